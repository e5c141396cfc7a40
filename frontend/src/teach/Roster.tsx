/** Who is in a class: the roster, imported as a table, and the personal codes. */
import { useEffect, useState } from "preact/hooks";
import type { Class, Member, RosterResult } from "../api/classes";
import { deleteMember, getClass, getMembers, importRoster, newMemberCode } from "../api/classes";
import { catalogue } from "../i18n/catalogue";
import { announce } from "../state/announce";
import { inLanguage } from "../state/prefs";
import { Confirm } from "../ui/Dialog";
import { Menu } from "../ui/Menu";
import { Asks } from "./asks";
import { Frame, ReadOnly } from "./Frame";
import { classPath } from "./paths";

const text = catalogue(
	{
		title: "Roster",
		import: "Import a roster",
		importNote: "One learner a line: the name, and, if you have one, a number of your own. A heading is recognized.",
		paste: "Lines of the table (CSV)",
		example: "name,id\nLearner one,2026-01\nLearner two,2026-02",
		file: "Choose a file…",
		add: "Add to the roster",
		added: (n: number) => (n === 1 ? "1 learner was added." : `${n} learners were added.`),
		skipped: (n: number) => (n === 1 ? "1 line was left out:" : `${n} lines were left out:`),
		line: (n: number) => `Line ${n}`,
		members: (n: number) => (n === 1 ? "1 learner" : `${n} learners`),
		none: "Nobody is on the roster yet, and nobody has joined.",
		name: "Name",
		number: "Number",
		code: "Personal code",
		codeNote: (at: string) => `With it a learner gets back in on another device, at ${at}.`,
		state: "State",
		joined: "has joined",
		expected: "has not joined yet",
		more: (name: string) => `What to do with ${name}`,
		newCode: "New personal code",
		delete: "Delete with all data",
		deleteAsk: (name: string) => `Delete ${name}?`,
		deleteText: "The learner's progress in this class, messages and recordings are gone for good.",
		changed: (name: string) => `${name} has a new code.`,
	},
	{
		title: "명단",
		import: "명단 가져오기",
		importNote: "한 줄에 한 명씩 이름과, 있으면 학번을 씁니다. 제목 줄은 자동으로 알아봅니다.",
		paste: "표의 내용(CSV)",
		example: "이름,학번\n학습자 하나,2026-01\n학습자 둘,2026-02",
		file: "파일 선택…",
		add: "명단에 추가",
		added: (n) => `${n}명을 추가했습니다.`,
		skipped: (n) => `다음 ${n}줄은 넣지 못했습니다.`,
		line: (n) => `${n}번째 줄`,
		members: (n) => `학습자 ${n}명`,
		none: "명단이 비어 있고, 아직 참여한 사람도 없습니다.",
		name: "이름",
		number: "학번",
		code: "개인 코드",
		codeNote: (at) => `학습자가 다른 기기에서 ${at} 주소로 다시 들어올 때 씁니다.`,
		state: "상태",
		joined: "참여함",
		expected: "참여 전",
		more: (name) => `${name} 님 관리`,
		newCode: "개인 코드 새로 만들기",
		delete: "모든 자료와 함께 삭제",
		deleteAsk: (name) => `${name} 님을 삭제하시겠습니까?`,
		deleteText: "이 수업에서의 진행 상황과 메시지, 녹화가 모두 사라지며 되돌릴 수 없습니다.",
		changed: (name) => `${name} 님의 코드를 새로 만들었습니다.`,
	},
);

export function Roster({ id }: { id: string }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const [value, setValue] = useState<Class | null>(null);
	const [members, setMembers] = useState<Member[] | null>(null);
	const [csv, setCSV] = useState("");
	const [result, setResult] = useState<RosterResult | null>(null);
	const [deleting, setDeleting] = useState<Member | null>(null);
	const reload = () => void asks.run("members", () => getMembers(id), setMembers);
	useEffect(() => {
		void asks.run(
			"class",
			() => getClass(id),
			(found) => {
				setValue(found);
				if (found.canEdit) reload();
			},
		);
	}, [id]);
	if (value && !value.canEdit)
		return (
			<Frame title={t.title} back={{ href: classPath(id), label: value.name }} asks={asks}>
				<ReadOnly />
			</Frame>
		);
	const submit = (event: Event) => {
		event.preventDefault();
		void asks.run(
			"import",
			() => importRoster(id, csv),
			(done) => {
				setResult(done);
				announce(t.added(done.added.length));
				if (done.skipped.length === 0) setCSV("");
				reload();
			},
		);
	};
	return (
		<Frame
			title={t.title}
			back={{ href: classPath(id), label: value?.name ?? "" }}
			asks={asks}
			actions={members && <span class="label">{t.members(members.length)}</span>}
		>
			<section class="desk-section first">
				<h2>{t.import}</h2>
				<p class="field-note" id="roster-note">
					{t.importNote}
				</p>
				<form class="form" onSubmit={submit}>
					<p class="field">
						<label for="roster-csv">{t.paste}</label>
						<textarea
							id="roster-csv"
							rows={6}
							value={csv}
							placeholder={t.example}
							spellcheck={false}
							aria-describedby="roster-note"
							data-testid="roster-csv"
							required
							onInput={(event) => setCSV(event.currentTarget.value)}
						/>
					</p>
					<p class="form-foot">
						<button type="submit" class="primary" data-testid="roster-add" aria-busy={asks.pending.value.has("import")}>
							{t.add}
						</button>
						<label class="button">
							{t.file}
							<input
								type="file"
								class="offscreen"
								accept=".csv,.tsv,.txt,text/csv,text/plain"
								onChange={(event) => void event.currentTarget.files?.[0]?.text().then(setCSV)}
							/>
						</label>
					</p>
				</form>
				{result && (
					<div class="roster-result" role="status" data-testid="roster-result">
						<p>{t.added(result.added.length)}</p>
						{result.skipped.length > 0 && (
							<>
								<p>{t.skipped(result.skipped.length)}</p>
								<ul>
									{result.skipped.map((one) => (
										<li key={one.line}>
											<b>{t.line(one.line)}</b> {one.name && <q>{one.name}</q>} {inLanguage(one.why, one.whys)}
										</li>
									))}
								</ul>
							</>
						)}
					</div>
				)}
			</section>
			<section class="desk-section">
				{members?.length === 0 ? (
					<p>{t.none}</p>
				) : (
					members && (
						<>
							<table class="facts">
								<caption class="offscreen">{t.title}</caption>
								<thead>
									<tr>
										<th scope="col">{t.name}</th>
										<th scope="col">{t.number}</th>
										<th scope="col">{t.code}</th>
										<th scope="col">{t.state}</th>
										<td />
									</tr>
								</thead>
								<tbody>
									{members.map((member) => (
										<tr key={member.id}>
											<th scope="row">{member.name}</th>
											<td>{member.externalId}</td>
											<td class="mono">{member.code}</td>
											<td>{member.joined ? t.joined : t.expected}</td>
											<td class="facts-act">
												<Menu
													class="quiet"
													label={<span class="offscreen">{t.more(member.name)}</span>}
													items={[
														{
															key: "code",
															label: t.newCode,
															onPick: () =>
																void asks.run(
																	"code",
																	() => newMemberCode(id, member.id),
																	(changed) => {
																		setMembers((all) => all?.map((m) => (m.id === changed.id ? changed : m)) ?? null);
																		announce(t.changed(member.name));
																	},
																),
														},
														{ key: "delete", label: t.delete, onPick: () => setDeleting(member) },
													]}
												/>
											</td>
										</tr>
									))}
								</tbody>
							</table>
							<p class="field-note">{t.codeNote(`${location.host}/back`)}</p>
						</>
					)
				)}
			</section>
			{deleting && (
				<Confirm
					title={t.deleteAsk(deleting.name)}
					action={t.delete}
					onClose={() => setDeleting(null)}
					onConfirm={() => void asks.run("delete", () => deleteMember(id, deleting.id), reload)}
				>
					<p>{t.deleteText}</p>
				</Confirm>
			)}
		</Frame>
	);
}
