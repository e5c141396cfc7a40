/** Makes a class, or changes one: its name, its labs in their order, its dates, what is recorded. */
import { useEffect, useState } from "preact/hooks";
import type { Class, ClassSettings, Role } from "../api/classes";
import { addClassStaff, changeClass, deleteClass, getClass, makeClass, removeClassStaff } from "../api/classes";
import { getCourse } from "../api/client";
import type { Course } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { navigate } from "../router";
import { language } from "../state/prefs";
import { Confirm } from "../ui/Dialog";
import { Cross } from "../ui/icons";
import { IconButton } from "../ui/Tools";
import { Asks } from "./asks";
import { Frame, ReadOnly } from "./Frame";
import { Choice, Field, Switch } from "./fields";
import { LabPicker } from "./LabPicker";
import { classPath, rosterPath, teachPath } from "./paths";

const text = catalogue(
	{
		fresh: "New class",
		edit: "Settings of the class",
		back: "Classes",
		backTo: (name: string) => name,
		name: "Name",
		nameNote: "Learners see it when they join.",
		labs: "Labs",
		labsNote: "In the order in which the class does them. Learners can open any of them.",
		noLab: "Choose at least one lab.",
		language: "Language",
		any: "Each learner's own",
		languageNote: "In which the page opens for those who join.",
		dates: "When",
		starts: "First day",
		ends: "Last day",
		datesNote:
			"Learners can join before the first day; the labs open with it. After the last day the class ends by itself, and its sessions with it; results stay. Days are those of the server's time zone.",
		rules: "Rules",
		recording: "Record the terminals",
		recordingNote:
			"Learners are told before they join. You can play a recording beside the network's state, and download it.",
		roster: "Only learners of the roster may join",
		rosterNote: "You import the roster as a table once the class is made.",
		rosterHere: "The roster",
		retain: "Delete the learners' data after (days)",
		retainNote: "Counted from the end of the class; 0 keeps them until you delete them.",
		make: "Make the class",
		save: "Save",
		staff: "Who else teaches here",
		staffNote: "An assistant sees the class and changes nothing.",
		login: "Sign-in name",
		role: "Role",
		teacher: "Teacher",
		assistant: "Assistant",
		owner: "Owner",
		add: "Add",
		remove: (name: string) => `Remove ${name} from the class`,
		danger: "Delete",
		dangerNote: "The class, its learners' progress in it, messages and recordings are gone for good.",
		delete: "Delete the class",
		deleteAsk: (name: string) => `Delete “${name}”?`,
	},
	{
		fresh: "새 수업",
		edit: "수업 설정",
		back: "수업 목록",
		backTo: (name) => name,
		name: "이름",
		nameNote: "학습자가 참여할 때 보입니다.",
		labs: "실습",
		labsNote: "수업에서 진행할 순서입니다. 학습자는 순서와 상관없이 열 수 있습니다.",
		noLab: "실습을 하나 이상 고르십시오.",
		language: "언어",
		any: "학습자가 고른 언어",
		languageNote: "참여한 학습자에게 처음 열리는 언어입니다.",
		dates: "기간",
		starts: "첫날",
		ends: "마지막 날",
		datesNote:
			"첫날 전에도 참여할 수 있으며 실습은 첫날에 열립니다. 마지막 날이 지나면 수업과 세션이 저절로 끝나고 결과는 남습니다. 날짜는 서버의 시간대를 따릅니다.",
		rules: "규칙",
		recording: "터미널 녹화",
		recordingNote: "학습자에게는 참여하기 전에 알립니다. 녹화는 네트워크 상태와 함께 재생하고 내려받을 수 있습니다.",
		roster: "명단에 있는 학습자만 참여",
		rosterNote: "수업을 만든 뒤 명단을 표 파일로 가져옵니다.",
		rosterHere: "명단",
		retain: "학습자 자료를 지울 때까지(일)",
		retainNote: "수업이 끝난 날부터 셉니다. 0이면 직접 지울 때까지 보관합니다.",
		make: "수업 만들기",
		save: "저장",
		staff: "함께 가르치는 사람",
		staffNote: "조교는 수업을 볼 수만 있고 아무것도 바꾸지 못합니다.",
		login: "로그인 이름",
		role: "역할",
		teacher: "교사",
		assistant: "조교",
		owner: "소유자",
		add: "추가",
		remove: (name) => `${name} 님을 수업에서 빼기`,
		danger: "삭제",
		dangerNote: "수업과 그 안의 학습자 진행 상황, 메시지, 녹화가 모두 사라지며 되돌릴 수 없습니다.",
		delete: "수업 삭제",
		deleteAsk: (name) => `“${name}” 수업을 삭제하시겠습니까?`,
	},
);

const fresh: ClassSettings = {
	name: "",
	language: "",
	labs: [],
	startsOn: "",
	endsOn: "",
	recording: false,
	rosterOnly: false,
	retainDays: 90,
};

function settingsOf(value: Class): ClassSettings {
	const { name, language: lang, labs, startsOn, endsOn, recording, rosterOnly, retainDays } = value;
	return { name, language: lang, labs, startsOn, endsOn, recording, rosterOnly, retainDays };
}

export function ClassForm({ id }: { id?: string }) {
	const t = text();
	const lang = language.value;
	const [asks] = useState(() => new Asks());
	const [course, setCourse] = useState<Course | null>(null);
	const [known, setKnown] = useState<Class | null>(null);
	const [draft, setDraft] = useState<ClassSettings | null>(id === undefined ? fresh : null);
	const [missing, setMissing] = useState(false);
	const [deleting, setDeleting] = useState(false);
	useEffect(() => void asks.run("course", () => getCourse(), setCourse), [asks, lang]);
	useEffect(() => {
		if (id === undefined) return;
		void asks.run(
			"class",
			() => getClass(id),
			(value) => {
				setKnown(value);
				setDraft(settingsOf(value));
			},
		);
	}, [asks, id]);

	const change = (part: Partial<ClassSettings>) => setDraft((now) => now && { ...now, ...part });
	const submit = (event: Event) => {
		event.preventDefault();
		if (!draft) return;
		setMissing(draft.labs.length === 0);
		if (draft.labs.length === 0) return;
		const settings = { ...draft, name: draft.name.trim() };
		void asks.run(
			"save",
			() => (id === undefined ? makeClass(settings) : changeClass(id, settings)),
			(made) => navigate(classPath(made.id)),
		);
	};
	const title = id === undefined ? t.fresh : t.edit;
	const back = known ? { href: classPath(known.id), label: known.name } : { href: teachPath, label: t.back };
	return (
		<Frame title={title} back={back} asks={asks}>
			{known && !known.canEdit && <ReadOnly />}
			{draft && course && (known?.canEdit ?? true) && (
				<form class="form sections" onSubmit={submit}>
					<Field
						label={t.name}
						value={draft.name}
						onInput={(name) => change({ name })}
						note={t.nameNote}
						maxLength={80}
						required
						testid="class-name"
					/>
					<fieldset>
						<legend>{t.labs}</legend>
						<p class="field-note">{t.labsNote}</p>
						<LabPicker course={course} chosen={draft.labs} onChange={(labs) => change({ labs })} />
						{missing && draft.labs.length === 0 && (
							<p class="door-problem" role="alert">
								{t.noLab}
							</p>
						)}
					</fieldset>
					<fieldset>
						<legend>{t.dates}</legend>
						<div class="field-row">
							<Field
								label={t.starts}
								type="date"
								value={draft.startsOn}
								onInput={(startsOn) => change({ startsOn })}
								narrow
							/>
							<Field label={t.ends} type="date" value={draft.endsOn} onInput={(endsOn) => change({ endsOn })} narrow />
						</div>
						<p class="field-note">{t.datesNote}</p>
					</fieldset>
					<fieldset>
						<legend>{t.rules}</legend>
						<Choice
							label={t.language}
							value={draft.language}
							options={[
								["", t.any],
								["ko", "한국어"],
								["en", "English"],
							]}
							onChange={(value) => change({ language: value })}
							note={t.languageNote}
							testid="class-language"
						/>
						<Switch
							label={t.recording}
							checked={draft.recording}
							onChange={(recording) => change({ recording })}
							note={t.recordingNote}
							testid="class-recording"
						/>
						<Switch
							label={t.roster}
							checked={draft.rosterOnly}
							onChange={(rosterOnly) => change({ rosterOnly })}
							note={known ? <a href={rosterPath(known.id)}>{t.rosterHere}</a> : t.rosterNote}
							testid="class-roster"
						/>
						<Field
							label={t.retain}
							type="number"
							value={String(draft.retainDays)}
							onInput={(value) => change({ retainDays: Math.max(0, Math.floor(Number(value) || 0)) })}
							note={t.retainNote}
							narrow
						/>
					</fieldset>
					<p class="form-foot">
						<button type="submit" class="primary" data-testid="save-class" aria-busy={asks.pending.value.has("save")}>
							{id === undefined ? t.make : t.save}
						</button>
					</p>
				</form>
			)}
			{known?.canEdit && <ClassStaff value={known} asks={asks} onChange={setKnown} />}
			{known?.canEdit && (
				<section class="desk-section">
					<h2>{t.danger}</h2>
					<p class="field-note">{t.dangerNote}</p>
					<p>
						<button type="button" class="danger" onClick={() => setDeleting(true)}>
							{t.delete}
						</button>
					</p>
				</section>
			)}
			{deleting && known && (
				<Confirm
					title={t.deleteAsk(known.name)}
					action={t.delete}
					onClose={() => setDeleting(false)}
					onConfirm={() =>
						void asks.run(
							"delete",
							() => deleteClass(known.id),
							() => navigate(teachPath),
						)
					}
				>
					<p>{t.dangerNote}</p>
				</Confirm>
			)}
		</Frame>
	);
}

function ClassStaff({ value, asks, onChange }: { value: Class; asks: Asks; onChange: (value: Class) => void }) {
	const t = text();
	const [login, setLogin] = useState("");
	const [role, setRole] = useState<Role>("assistant");
	const add = (event: Event) => {
		event.preventDefault();
		void asks.run(
			"staff",
			() => addClassStaff(value.id, login.trim(), role),
			(changed) => {
				setLogin("");
				onChange(changed);
			},
		);
	};
	return (
		<section class="desk-section">
			<h2>{t.staff}</h2>
			<p class="field-note">{t.staffNote}</p>
			<ul class="plain-list">
				{value.staff.map((one) => (
					<li key={one.id}>
						<span>{one.name}</span>
						<span class="label">{t[one.role]}</span>
						<span class="grow" />
						<IconButton
							label={t.remove(one.name)}
							disabled={value.staff.length < 2}
							onClick={() =>
								void asks.run(
									"staff",
									() => removeClassStaff(value.id, one.id),
									() => onChange({ ...value, staff: value.staff.filter((s) => s.id !== one.id) }),
								)
							}
						>
							<Cross />
						</IconButton>
					</li>
				))}
			</ul>
			<form class="form field-row" onSubmit={add}>
				<Field label={t.login} value={login} onInput={setLogin} exact required narrow />
				<Choice
					label={t.role}
					value={role}
					options={[
						["assistant", t.assistant],
						["teacher", t.teacher],
					]}
					onChange={setRole}
				/>
				<button type="submit">{t.add}</button>
			</form>
		</section>
	);
}
