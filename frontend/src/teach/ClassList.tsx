/** The classes that a teacher sees, and the way to a new one. */
import { useEffect, useState } from "preact/hooks";
import type { ClassSummary, Me } from "../api/classes";
import { changePassword, getClasses } from "../api/classes";
import { catalogue } from "../i18n/catalogue";
import { announce } from "../state/announce";
import { language } from "../state/prefs";
import { Dialog } from "../ui/Dialog";
import { Arrow } from "../ui/icons";
import { Menu } from "../ui/Menu";
import { Asks } from "./asks";
import { day } from "./day";
import { Frame, Problem } from "./Frame";
import { Field } from "./fields";
import { classPath, newClassPath, resultsPath, staffPath } from "./paths";

const text = catalogue(
	{
		title: "Classes",
		make: "New class",
		none: "No class yet",
		noneText:
			"A class has its labs in order and a join code. Learners open it in a browser; you see where each of them stands.",
		noneAssistant: "Nobody has added you to a class yet. Ask the teacher whose class you help with.",
		open: "open",
		paused: "paused",
		ended: "ended",
		members: (n: number) => (n === 1 ? "1 learner" : `${n} learners`),
		from: (day: string) => `from ${day}`,
		until: (day: string) => `until ${day}`,
		results: "Results",
		staff: "Teachers and assistants",
		password: "Change the password",
		signOut: "Sign out",
		old: "Current password",
		next: "New password",
		again: "The new password again",
		differ: "The two passwords differ.",
		rule: "At least 10 characters.",
		save: "Save",
		saved: "The password is changed.",
	},
	{
		title: "수업",
		make: "새 수업",
		none: "아직 수업이 없습니다",
		noneText:
			"수업에는 순서대로 할 실습과 참여 코드가 있습니다. 학습자는 브라우저로 들어오고, 교사는 모두의 진행 상황을 봅니다.",
		noneAssistant: "아직 추가된 수업이 없습니다. 도울 수업의 교사에게 추가해 달라고 요청하십시오.",
		open: "진행 중",
		paused: "일시 정지",
		ended: "종료",
		members: (n) => `학습자 ${n}명`,
		from: (day) => `${day}부터`,
		until: (day) => `${day}까지`,
		results: "결과",
		staff: "교사와 조교",
		password: "비밀번호 바꾸기",
		signOut: "로그아웃",
		old: "현재 비밀번호",
		next: "새 비밀번호",
		again: "새 비밀번호 확인",
		differ: "새 비밀번호와 확인이 다릅니다.",
		rule: "10자 이상으로 정합니다.",
		save: "저장",
		saved: "비밀번호를 바꾸었습니다.",
	},
);

export function ClassList({ me, signOut }: { me: Me; signOut: () => void }) {
	const t = text();
	const lang = language.value;
	const [asks] = useState(() => new Asks());
	const [classes, setClasses] = useState<ClassSummary[] | null>(null);
	const [changing, setChanging] = useState(false);
	useEffect(() => void asks.run("list", getClasses, setClasses), [asks, lang]);
	const may = me.role !== "assistant";
	return (
		<Frame
			title={t.title}
			asks={asks}
			actions={
				<>
					<Menu
						class="quiet"
						testid="account"
						label={me.name}
						items={[
							{ key: "password", label: t.password, onPick: () => setChanging(true) },
							{ key: "sign-out", label: t.signOut, onPick: signOut },
						]}
					/>
					{me.role === "owner" && (
						<a class="button" href={staffPath}>
							{t.staff}
						</a>
					)}
					{may && (
						<a class="button primary" href={newClassPath} data-testid="new-class">
							{t.make}
						</a>
					)}
				</>
			}
		>
			{classes?.length === 0 && (
				<div class="desk-none">
					<h2>{t.none}</h2>
					<p>{may ? t.noneText : t.noneAssistant}</p>
				</div>
			)}
			<ul class="class-list">
				{classes?.map((one) => (
					<ClassRow key={one.id} value={one} />
				))}
			</ul>
			{changing && <Password onClose={() => setChanging(false)} />}
		</Frame>
	);
}

function ClassRow({ value }: { value: ClassSummary }) {
	const t = text();
	return (
		<li class="class-row" data-state={value.state} data-testid="class-row">
			<div>
				<h2>
					<a href={classPath(value.id)}>{value.name}</a>
				</h2>
				<p class="class-facts">
					<span class="class-state" data-state={value.state}>
						{t[value.state]}
					</span>
					<span>{t.members(value.members)}</span>
					{value.startsOn && <span>{t.from(day(value.startsOn))}</span>}
					{value.endsOn && <span>{t.until(day(value.endsOn))}</span>}
				</p>
			</div>
			<a class="button" href={resultsPath(value.id)}>
				{t.results}
			</a>
			<Arrow />
		</li>
	);
}

function Password({ onClose }: { onClose: () => void }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const [old, setOld] = useState("");
	const [next, setNext] = useState("");
	const [again, setAgain] = useState("");
	const [differ, setDiffer] = useState(false);
	const submit = (event: Event) => {
		event.preventDefault();
		setDiffer(next !== again);
		if (next !== again) return;
		void asks
			.run("password", () => changePassword(old, next))
			.then((ok) => {
				if (!ok) return;
				announce(t.saved);
				onClose();
			});
	};
	return (
		<Dialog title={t.password} onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<Problem asks={asks} />
				<Field label={t.old} type="password" value={old} onInput={setOld} autocomplete="current-password" required />
				<Field
					label={t.next}
					type="password"
					value={next}
					onInput={setNext}
					autocomplete="new-password"
					note={t.rule}
					required
				/>
				<Field label={t.again} type="password" value={again} onInput={setAgain} autocomplete="new-password" required />
				{differ && (
					<p class="door-problem" role="alert">
						{t.differ}
					</p>
				)}
				<div class="dialog-foot">
					<button type="submit" class="primary" aria-busy={asks.pending.value.has("password")}>
						{t.save}
					</button>
				</div>
			</form>
		</Dialog>
	);
}
