/** A learner's way into a class: by its code and a name, or back in by the personal code. */
import "../styles/teach.css";
import { useEffect, useState } from "preact/hooks";
import type { JoinInfo, Membership } from "../api/classes";
import { comeBack, join, joinInfo, myClasses } from "../api/classes";
import { catalogue } from "../i18n/catalogue";
import { labPath, navigate } from "../router";
import { language, setLanguage } from "../state/prefs";
import { Asks } from "../teach/asks";
import { Door, Wrong } from "../teach/Door";
import { day } from "../teach/day";
import { Field } from "../teach/fields";
import { Arrow } from "../ui/icons";
import { usePageTitle } from "../ui/title";
import { LeaveClass } from "./LeaveClass";

const text = catalogue(
	{
		title: "Join a class",
		code: "Join code",
		codeNote: "Your teacher shows it.",
		next: "Next",
		joining: (name: string) => `Join “${name}”`,
		name: "Your name",
		nameNote: "Your teacher sees it, and nobody else.",
		nameRoster: "As it stands on the roster.",
		recorded: "What is typed and printed in your terminals is recorded in this class. Your teacher can play it back.",
		notRecorded:
			"Your terminals are not recorded. Your teacher sees how far you are, and may look at your page; you are told when.",
		kept: (days: number) => `Your data are deleted ${days} days after the class has ended.`,
		keptOpen: "Your teacher decides when your data are deleted. You can leave at any time, which deletes them.",
		join: "Join",
		paused: "The class is paused just now. You can join; work begins when it goes on.",
		opens: (day: string) => `The class begins on ${day}. Come back here then: your labs open with it.`,
		begins: (day: string) => `The class begins on ${day}. You can join now; its labs open then.`,
		other: "Another code",
		haveCode: "I have been here before, on another device",
		backTitle: "Back into the class",
		backCode: "Personal code",
		backNote: "You got it when you joined, like ABCDE-FGHJK.",
		back: "Go on",
		toJoin: "I have a join code",
		welcome: (name: string) => `You are in, ${name}`,
		yourCode: "Your personal code",
		yourCodeText: (at: string) => `Write it down: with it you get back in on another device, at ${at}.`,
		labs: "Labs",
		begin: "To the first lab",
		ended: "This class has ended.",
	},
	{
		title: "수업 참여",
		code: "참여 코드",
		codeNote: "선생님이 보여 주는 코드입니다.",
		next: "다음",
		joining: (name) => `“${name}” 수업 참여`,
		name: "이름",
		nameNote: "선생님에게만 보입니다.",
		nameRoster: "명단에 적힌 그대로 씁니다.",
		recorded: "이 수업에서는 터미널에 입력하고 출력된 내용을 녹화합니다. 선생님이 다시 볼 수 있습니다.",
		notRecorded:
			"터미널은 녹화하지 않습니다. 선생님은 진행 상황을 보고, 필요하면 이 화면을 함께 봅니다. 그럴 때는 화면에 표시됩니다.",
		kept: (days) => `수업이 끝나고 ${days}일이 지나면 자료를 삭제합니다.`,
		keptOpen: "자료를 언제 지울지는 선생님이 정합니다. 언제든 수업에서 나갈 수 있으며, 그러면 자료가 삭제됩니다.",
		join: "참여하기",
		paused: "지금은 수업이 일시 정지되어 있습니다. 참여할 수는 있으며, 수업이 다시 시작되면 실습할 수 있습니다.",
		opens: (day) => `수업은 ${day}에 시작합니다. 그때 다시 들어오면 실습이 열려 있습니다.`,
		begins: (day) => `수업은 ${day}에 시작합니다. 참여는 지금 할 수 있고, 실습은 그때 열립니다.`,
		other: "다른 코드 입력",
		haveCode: "다른 기기에서 이미 참여했습니다",
		backTitle: "수업으로 돌아가기",
		backCode: "개인 코드",
		backNote: "처음 참여할 때 받은 코드입니다. 예: ABCDE-FGHJK",
		back: "계속",
		toJoin: "참여 코드가 있습니다",
		welcome: (name) => `${name} 님, 참여했습니다`,
		yourCode: "개인 코드",
		yourCodeText: (at) => `적어 두십시오. 다른 기기에서 ${at} 주소를 열고 이 코드로 다시 들어옵니다.`,
		labs: "실습",
		begin: "첫 실습으로",
		ended: "이미 끝난 수업입니다.",
	},
);

/** Where the personal code leads back in, as one reads it out. */
const backAddress = (): string => `${location.host}/back`;

/** What people type of a code: small letters, spaces, hyphens. */
export const tidy = (code: string): string => code.toUpperCase().replace(/[^A-Z0-9]/g, "");

interface Props {
	/** Of the address; null: back by a personal code. */
	code: string | null;
}

export function JoinPage({ code }: Props) {
	const [asks] = useState(() => new Asks());
	const [mine, setMine] = useState<Membership[] | null>(null);
	const [joined, setJoined] = useState<Membership | null>(null);
	const lang = language.value;
	// Again in another language, which the class may have brought along: the labs' titles come from the server.
	useEffect(
		() =>
			void asks.run("mine", myClasses, (all) => {
				setMine(all);
				setJoined((now) => now && (all.find((one) => one.class === now.class) ?? now));
			}),
		[asks, lang],
	);
	// Another address is another question.
	useEffect(() => setJoined(null), [code]);
	const done = (membership: Membership) => {
		if (membership.language === "ko" || membership.language === "en") setLanguage(membership.language);
		setJoined(membership);
	};
	const left = () => {
		setJoined(null);
		setMine(null);
		navigate("/join");
		void asks.run("mine", myClasses, setMine);
	};
	if (joined) return <Welcome key={joined.class} value={joined} onLeft={left} />;
	if (code === null) return <Back onDone={done} />;
	if (code !== "") return <ByCode key={code} code={tidy(code)} mine={mine ?? []} onDone={done} />;
	return <Enter mine={mine ?? []} onPick={setJoined} />;
}

function Enter({ mine, onPick }: { mine: Membership[]; onPick: (one: Membership) => void }) {
	const t = text();
	const [code, setCode] = useState("");
	usePageTitle(t.title);
	return (
		<Door>
			<h1>{t.title}</h1>
			<form
				class="form"
				onSubmit={(event) => {
					event.preventDefault();
					if (tidy(code)) navigate(`/join/${tidy(code)}`);
				}}
			>
				<Field label={t.code} value={code} onInput={setCode} note={t.codeNote} exact required big testid="join-code" />
				<button type="submit" class="primary" data-testid="next">
					{t.next}
				</button>
			</form>
			{mine.length > 0 && (
				<ul class="class-list small">
					{mine.map((one) => (
						<li key={one.class} class="class-row" data-state={one.state}>
							<button type="button" class="link" onClick={() => onPick(one)}>
								{one.className}
							</button>
							<span class="label">{one.name}</span>
						</li>
					))}
				</ul>
			)}
			<p>
				<a href="/back">{t.haveCode}</a>
			</p>
		</Door>
	);
}

function ByCode({ code, mine, onDone }: { code: string; mine: Membership[]; onDone: (one: Membership) => void }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const [info, setInfo] = useState<JoinInfo | null>(null);
	const [name, setName] = useState("");
	useEffect(
		() =>
			void asks.run(
				"info",
				() => joinInfo(code),
				(value) => {
					setInfo(value);
					if (value.language) setLanguage(value.language);
				},
			),
		[asks, code],
	);
	usePageTitle(info ? t.joining(info.name) : t.title);
	const submit = (event: Event) => {
		event.preventDefault();
		void asks.run("join", () => join(code, name.trim()), onDone);
	};
	const member = mine.find((one) => one.className === info?.name);
	return (
		<Door>
			<h1>{info ? t.joining(info.name) : t.title}</h1>
			<Wrong asks={asks} />
			{info?.state === "ended" && <p class="door-problem">{t.ended}</p>}
			{info && info.state !== "ended" && (
				<form class="form" onSubmit={submit}>
					{info.beginsOn ? (
						<p class="callout-plain" data-testid="begins">
							{t.begins(day(info.beginsOn))}
						</p>
					) : (
						info.state === "paused" && <p class="callout-plain">{t.paused}</p>
					)}
					<Field
						label={t.name}
						value={name}
						onInput={setName}
						note={info.rosterOnly ? t.nameRoster : t.nameNote}
						autocomplete="name"
						maxLength={40}
						required
						big
						testid="join-name"
					/>
					<div class={info.recording ? "callout-plain told" : "callout-plain"} data-testid="join-told">
						<p>{info.recording ? t.recorded : t.notRecorded}</p>
						<p>{info.retainDays > 0 ? t.kept(info.retainDays) : t.keptOpen}</p>
					</div>
					<button type="submit" class="primary" data-testid="join" aria-busy={asks.pending.value.has("join")}>
						{t.join}
					</button>
				</form>
			)}
			<p class="link-list">
				{member && (
					<button type="button" class="link" onClick={() => onDone(member)}>
						{member.className}: {member.name}
					</button>
				)}
				<a href="/join">{t.other}</a>
				<a href="/back">{t.haveCode}</a>
			</p>
		</Door>
	);
}

function Back({ onDone }: { onDone: (one: Membership) => void }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const [code, setCode] = useState("");
	usePageTitle(t.backTitle);
	return (
		<Door>
			<h1>{t.backTitle}</h1>
			<form
				class="form"
				onSubmit={(event) => {
					event.preventDefault();
					void asks.run("back", () => comeBack(code.trim()), onDone);
				}}
			>
				<Field
					label={t.backCode}
					value={code}
					onInput={setCode}
					note={t.backNote}
					exact
					required
					big
					testid="personal-code"
				/>
				<Wrong asks={asks} />
				<button type="submit" class="primary" data-testid="back" aria-busy={asks.pending.value.has("back")}>
					{t.back}
				</button>
			</form>
			<p>
				<a href="/join">{t.toJoin}</a>
			</p>
		</Door>
	);
}

function Welcome({ value, onLeft }: { value: Membership; onLeft: () => void }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	usePageTitle(value.className);
	const first = value.labs[0];
	return (
		<Door>
			<p class="label">{value.className}</p>
			<h1>{t.welcome(value.name)}</h1>
			<Wrong asks={asks} />
			{value.beginsOn && (
				<p class="callout-plain" data-testid="begins">
					{t.opens(day(value.beginsOn))}
				</p>
			)}
			{first && !value.beginsOn && (
				<a class="resume" href={labPath(first.name)} data-testid="begin">
					<span class="label">{t.begin}</span>
					<strong>{first.title}</strong>
					<Arrow />
				</a>
			)}
			<section class="door-code" aria-labelledby="personal-code">
				<h2 id="personal-code" class="label">
					{t.yourCode}
				</h2>
				<p class="door-code-text mono" data-testid="my-code">
					{value.code}
				</p>
				<p class="field-note">{t.yourCodeText(backAddress())}</p>
			</section>
			{value.labs.length > 1 && (
				<section aria-labelledby="labs-title">
					<h2 id="labs-title" class="label">
						{t.labs}
					</h2>
					<ol class="door-labs">
						{value.labs.map((lab) => (
							<li key={lab.name}>
								<a href={labPath(lab.name)}>{lab.title}</a>
							</li>
						))}
					</ol>
				</section>
			)}
			<p>
				<LeaveClass id={value.class} asks={asks} look="link" onLeft={onLeft} />
			</p>
		</Door>
	);
}
