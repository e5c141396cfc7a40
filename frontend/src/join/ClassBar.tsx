/** What a learner in a class sees of it on the lab page: who looks, what the teacher says, and a hand to raise. */
import "../styles/classbar.css";
import { useComputed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Membership, MyEvent } from "../api/classes";
import { allowKeyboard, myClasses, myEventsURL, raiseHand, takeHandDown } from "../api/classes";
import { EventStream } from "../api/events";
import { catalogue } from "../i18n/catalogue";
import type { LabStore } from "../lab/store";
import { announce } from "../state/announce";
import { language } from "../state/prefs";
import { forget, load, save } from "../state/storage";
import { reduce } from "../state/view";
import { Asks } from "../teach/asks";
import { day } from "../teach/day";
import { HandMark } from "../teach/live/marks";
import { Dialog } from "../ui/Dialog";
import { Cross, Eye } from "../ui/icons";
import { IconButton } from "../ui/Tools";
import { Broadcast } from "./Broadcast";
import { LeaveClass } from "./LeaveClass";

const text = catalogue(
	{
		bar: "The class",
		recorded: "recorded",
		looks: (names: string, n: number) => `${names} ${n > 1 ? "are" : "is"} watching your page`,
		types: (names: string, n: number) => `${names} ${n > 1 ? "are" : "is"} typing in your terminal`,
		raise: "Raise a hand",
		raiseTitle: "Ask for help",
		raiseText: "Your teacher sees that you are waiting, and where you are. You can go on meanwhile.",
		question: "What is it about? (optional)",
		lower: "Lower the hand",
		waiting: "Your hand is raised.",
		coming: (name: string) => `${name} is coming to you.`,
		asks: (name: string) =>
			`${name} asks to type into your terminals. You see every key, and can take the keyboard back at any time.`,
		allow: "Allow",
		refuse: "Not now",
		granted: (name: string) => `${name} may type into your terminals.`,
		takeBack: "Take the keyboard back",
		paused: "The class is paused. Your network waits; typing and checking go on when the class does.",
		ended: "The class has ended. What you do here now is your own practice: your teacher does not see it.",
		alone: "Practise alone",
		begins: (day: string) => `The class begins on ${day}. Its labs open then.`,
		broken: "Your teacher has broken something in your network. Find it, and repair it.",
		repaired: (title: string) => `You have repaired it: ${title}.`,
		messages: (n: number) => (n === 1 ? "1 message" : `${n} messages`),
		messagesTitle: "Messages",
		says: (name: string) => `${name}:`,
		dismiss: "Dismiss",
		code: "Personal code",
		codeText: (at: string) => `With it you get back in on another device, at ${at}.`,
		me: (name: string) => `You are in this class as ${name}.`,
	},
	{
		bar: "수업",
		recorded: "녹화 중",
		looks: (names) => `${names} 님이 이 화면을 보고 있습니다`,
		types: (names) => `${names} 님이 이 터미널에 입력하고 있습니다`,
		raise: "손 들기",
		raiseTitle: "도움 요청",
		raiseText: "선생님에게 기다리고 있다는 것과 지금 있는 단계가 보입니다. 그동안 계속해도 됩니다.",
		question: "무엇이 궁금합니까? (비워 두어도 됩니다)",
		lower: "손 내리기",
		waiting: "손을 들었습니다.",
		coming: (name) => `${name} 님이 곧 도와줍니다.`,
		asks: (name) =>
			`${name} 님이 터미널에 대신 입력해도 되는지 묻습니다. 입력하는 것이 모두 보이며, 언제든 되돌릴 수 있습니다.`,
		allow: "허락",
		refuse: "직접 하겠습니다",
		granted: (name) => `${name} 님이 터미널에 입력할 수 있습니다.`,
		takeBack: "입력 되찾기",
		paused: "수업이 일시 정지되었습니다. 네트워크는 그대로 있으며, 수업이 다시 시작되면 이어서 할 수 있습니다.",
		ended: "수업이 끝났습니다. 지금부터 하는 실습은 혼자 연습하는 것이며 선생님에게 보이지 않습니다.",
		alone: "혼자 연습하기",
		begins: (day) => `수업은 ${day}에 시작하며, 그때 실습이 열립니다.`,
		broken: "선생님이 네트워크에 장애를 일으켰습니다. 원인을 찾아 고쳐 보십시오.",
		repaired: (title) => `장애를 고쳤습니다: ${title}`,
		messages: (n) => `메시지 ${n}개`,
		messagesTitle: "메시지",
		says: (name) => `${name}:`,
		dismiss: "닫기",
		code: "개인 코드",
		codeText: (at) => `다른 기기에서 ${at} 주소로 다시 들어올 때 씁니다.`,
		me: (name) => `${name} 님으로 참여하고 있습니다.`,
	},
);

export function ClassBar({ store }: { store: LabStore }) {
	const value = useComputed(() => store.view.value.member).value;
	// A session tells of the class as long as it lives; then the class has to be asked itself.
	const alone = useComputed(() => store.view.value.session?.state === "ended").value;
	useEffect(() => (alone ? follow(store) : undefined), [alone, store]);
	return value && <Bar key={value.class} value={value} lab={store.name} />;
}

/** Follows the learner's classes without a session. */
function follow(store: LabStore): () => void {
	const without = (member: Membership | null) => {
		store.view.value = { ...store.view.peek(), member };
	};
	const still = async () => {
		const mine = await myClasses();
		const shown = store.view.peek().member;
		if (shown && !mine.some((one) => one.class === shown.class)) without(mine[0] ?? null);
		return mine.length > 0;
	};
	// A learner who is in no class any more is told nothing by a stream.
	still().catch(() => {});
	const stream = new EventStream<MyEvent>(
		myEventsURL,
		{
			event: (event) => {
				if (event.name === "class") store.view.value = reduce(store.view.peek(), event);
				else if (store.view.peek().member?.class === event.data.class) without(null);
			},
			connection: () => {},
			alive: still,
		},
		{ names: ["class", "left"] },
	);
	return () => stream.close();
}

/** What is kept of a class that has ended: whether the learner was told. The page that tells it is the last one with the class. */
const overKey = (id: string) => `netground.over.${id}`;

function Bar({ value, lab }: { value: Membership; lab: string }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const over = value.state === "ended";
	const [gone, setGone] = useState<boolean>(() => over && load(overKey(value.class), false));
	useEffect(() => {
		if (over) save(overKey(value.class), true);
		else {
			// It may have been opened again.
			setGone(false);
			forget(overKey(value.class));
		}
	}, [over]);
	const [open, setOpen] = useState<"hand" | "messages" | "about" | null>(null);
	const close = () => setOpen(null);
	const typing = value.watchers.filter((one) => one.typing);
	const names = (some: Membership["watchers"]): [string, number] => {
		const all = [...new Set(some.map((one) => one.name))];
		return [all.join(", "), all.length];
	};
	const watched =
		typing.length > 0 ? t.types(...names(typing)) : value.watchers.length > 0 ? t.looks(...names(value.watchers)) : "";
	useEffect(() => {
		if (watched) announce(watched);
	}, [watched]);
	if (over && gone) return null;
	return (
		<>
			<section class="class-bar" aria-label={t.bar} data-testid="class-bar">
				<button type="button" class="link class-name" onClick={() => setOpen("about")}>
					{value.className}
				</button>
				{value.recording && value.state !== "ended" && (
					<span class="class-recorded">
						<i aria-hidden="true" />
						{t.recorded}
					</span>
				)}
				<span class="class-watched" data-typing={typing.length > 0 ? "" : undefined} data-testid="watched">
					{watched && (
						<>
							<Eye />
							{watched}
						</>
					)}
				</span>
				<span class="grow" />
				{value.broadcast && <Broadcast value={value} broadcast={value.broadcast} />}
				{value.messages.length > 0 && (
					<button type="button" class="quiet" data-testid="messages" onClick={() => setOpen("messages")}>
						{t.messages(value.messages.length)}
					</button>
				)}
				{value.hand ? (
					<>
						<span role="status" class="class-hand">
							{value.hand.claimedBy ? t.coming(value.hand.claimedBy) : t.waiting}
						</span>
						<button
							type="button"
							data-testid="lower-hand"
							onClick={() => void asks.run("hand", () => takeHandDown(value.class))}
						>
							{t.lower}
						</button>
					</>
				) : value.state === "ended" ? null : (
					<button type="button" data-testid="raise-hand" onClick={() => setOpen("hand")}>
						<HandMark />
						{t.raise}
					</button>
				)}
			</section>
			<Lines value={value} lab={lab} asks={asks} onGone={() => setGone(true)} />
			{open === "hand" && <RaiseHand value={value} asks={asks} onClose={close} />}
			{open === "messages" && <Messages value={value} onClose={close} />}
			{open === "about" && (
				<Dialog title={value.className} onClose={close}>
					<p>{t.me(value.name)}</p>
					<p class="label">{t.code}</p>
					<p class="class-code mono">{value.code}</p>
					<p class="label">{t.codeText(`${location.host}/back`)}</p>
				</Dialog>
			)}
		</>
	);
}

/** What has to be read, and what has to be answered. */
function Lines({ value, lab, asks, onGone }: { value: Membership; lab: string; asks: Asks; onGone: () => void }) {
	const t = text();
	// A page that is loaded anew still has it to say, until it was put away.
	const key = `netground.read.${value.class}`;
	const [read, setRead] = useState(() => load(key, ""));
	const last = value.messages.at(-1);
	const news = last && last.id !== read ? last : null;
	// A class that has ended wants nothing repaired any more.
	const faults = value.state === "ended" ? [] : value.faults.filter((fault) => fault.lab === lab);
	const open = faults.filter((fault) => !fault.repairedAt);
	// Only now is it told what it was.
	const broken = useRef<string[]>([]);
	const [repaired, setRepaired] = useState("");
	useEffect(() => {
		const done = faults.find((fault) => fault.repairedAt && broken.current.includes(fault.id));
		if (done) setRepaired(done.title);
		broken.current = open.map((fault) => fault.id);
	}, [value.faults]);
	return (
		<>
			{(value.state !== "open" || value.beginsOn) && (
				<div class="banner warn" role="status" data-testid="class-paused">
					<p>{value.state === "ended" ? t.ended : value.beginsOn ? t.begins(day(value.beginsOn)) : t.paused}</p>
					{value.state === "ended" && (
						<>
							<button type="button" class="strong" data-testid="practise-alone" onClick={onGone}>
								{t.alone}
							</button>
							<LeaveClass id={value.class} asks={asks} onLeft={onGone} />
						</>
					)}
				</div>
			)}
			{value.keyboard === "asked" && (
				<div class="banner warn" role="alert" data-testid="keyboard-asked">
					<p>{t.asks(value.keyboardBy)}</p>
					<button
						type="button"
						class="strong"
						data-testid="allow-keyboard"
						onClick={() => void asks.run("allow", () => allowKeyboard(value.class, true))}
					>
						{t.allow}
					</button>
					<button type="button" onClick={() => void asks.run("refuse", () => allowKeyboard(value.class, false))}>
						{t.refuse}
					</button>
				</div>
			)}
			{value.keyboard === "granted" && (
				<div class="banner warn" role="status" data-testid="keyboard-granted">
					<p>{t.granted(value.keyboardBy)}</p>
					<button
						type="button"
						data-testid="revoke-keyboard"
						onClick={() => void asks.run("refuse", () => allowKeyboard(value.class, false))}
					>
						{t.takeBack}
					</button>
				</div>
			)}
			{open.map((fault) => (
				<div key={fault.id} class="banner warn" role="alert" data-testid="fault">
					<p>{t.broken}</p>
				</div>
			))}
			{repaired && open.length === 0 && (
				<div class="banner plain" role="status" data-testid="repaired">
					<p>{t.repaired(repaired)}</p>
					<IconButton label={t.dismiss} onClick={() => setRepaired("")}>
						<Cross />
					</IconButton>
				</div>
			)}
			{news && (
				<div class="banner plain" role="alert" data-testid="message">
					<p>
						<strong>{t.says(news.from)}</strong> <span class="class-said">{news.text}</span>
					</p>
					<IconButton
						label={t.dismiss}
						onClick={() => {
							setRead(news.id);
							save(key, news.id);
						}}
					>
						<Cross />
					</IconButton>
				</div>
			)}
			{asks.problem.value !== null && (
				<div class="banner bad" role="alert">
					<p>{asks.problem.value}</p>
					<IconButton label={t.dismiss} onClick={asks.dismiss}>
						<Cross />
					</IconButton>
				</div>
			)}
		</>
	);
}

function RaiseHand({ value, asks, onClose }: { value: Membership; asks: Asks; onClose: () => void }) {
	const t = text();
	const [words, setWords] = useState("");
	return (
		<Dialog title={t.raiseTitle} onClose={onClose}>
			<form
				class="class-form"
				onSubmit={(event) => {
					event.preventDefault();
					onClose();
					void asks.run("hand", () => raiseHand(value.class, words.trim()));
				}}
			>
				<p>{t.raiseText}</p>
				<label for="hand-text">{t.question}</label>
				<textarea
					id="hand-text"
					rows={3}
					maxLength={300}
					value={words}
					data-testid="hand-text"
					onInput={(event) => setWords(event.currentTarget.value)}
				/>
				<div class="dialog-foot">
					<button type="submit" class="primary" data-testid="raise">
						{t.raise}
					</button>
				</div>
			</form>
		</Dialog>
	);
}

function Messages({ value, onClose }: { value: Membership; onClose: () => void }) {
	const t = text();
	return (
		<Dialog title={t.messagesTitle} onClose={onClose}>
			<ul class="class-messages">
				{[...value.messages].reverse().map((message) => (
					<li key={message.id}>
						<p class="label">
							{message.from} · {new Date(message.at).toLocaleTimeString(language.value, { timeStyle: "short" })}
						</p>
						<p class="class-said">{message.text}</p>
					</li>
				))}
			</ul>
		</Dialog>
	);
}
