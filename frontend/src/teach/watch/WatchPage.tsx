/** A learner's page as the learner sees it: lesson, network, terminals; and what a teacher can do there. */
import { useComputed, useSignalEffect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Row } from "../../api/classes";
import { memberEvents, memberLab, memberSession, memberTerminal } from "../../api/classes";
import { ApiError } from "../../api/client";
import type { WatchedTerminals } from "../../api/panes";
import { catalogue } from "../../i18n/catalogue";
import { useLasting } from "../../lab/clock";
import { listenToKeys } from "../../lab/keys";
import { PaneSwitch } from "../../lab/LabBar";
import { narrow } from "../../lab/layout";
import { Panes } from "../../lab/Panes";
import { TerminalPane } from "../../lab/parts";
import { LabStore, type Source } from "../../lab/store";
import { announce } from "../../state/announce";
import { ErrorPage, MissingPage, offlineText } from "../../ui/ErrorPage";
import { Left } from "../../ui/icons";
import { Tools } from "../../ui/Tools";
import { TopBar } from "../../ui/TopBar";
import { usePageTitle } from "../../ui/title";
import { Problem } from "../Frame";
import { PresenceMark } from "../live/marks";
import { ClassStore } from "../live/store";
import { ago, presenceWord } from "../live/words";
import { classPath } from "../paths";
import { Acts } from "./Acts";
import { type Keyboard, KeyboardLine } from "./KeyboardLine";

const text = catalogue(
	{
		loading: "Opening the learner's page…",
		offline: (name: string) => `${name} has no lab open right now.`,
		offlineText: "As soon as a lab is opened, it shows here.",
		alone: "You see the page as the learner does. The learner is told that you are watching.",
		others: (names: string) => `Watching: ${names}.`,
		lost: "The connection is lost. What you see is old; the page reconnects by itself.",
	},
	{
		loading: "학습자의 화면을 여는 중입니다…",
		offline: (name) => `${name} 님이 지금 열어 둔 실습이 없습니다.`,
		offlineText: "실습을 열면 여기에 바로 나타납니다.",
		alone: "학습자가 보는 그대로 보입니다. 학습자의 화면에는 선생님이 보고 있다고 표시됩니다.",
		others: (names) => `${names} 님도 보고 있습니다.`,
		lost: "연결이 끊겨 지금 보이는 것은 예전 상태입니다. 자동으로 다시 연결합니다.",
	},
);

TerminalPane.preload();

export function WatchPage({ id, member }: { id: string; member: string }) {
	const t = text();
	const [room] = useState(() => new ClassStore(id));
	useEffect(() => () => room.dispose(), [room]);
	// From pane to pane, as on the learner's own page; nothing is checked from here.
	useEffect(() => listenToKeys({ check: () => {} }), []);
	const row = useComputed(() => room.grid.value && (room.row(member)?.value ?? null)).value;
	const name = room.nameOf(member);
	usePageTitle(name || undefined);
	const failure = room.failure.value;
	if (failure && !row) {
		if (failure.status === 404) return <MissingPage />;
		return <ErrorPage text={failure.offline ? offlineText() : failure.message} retry={room.reconnect} />;
	}
	if (row === null && room.grid.value) return <MissingPage />;
	if (!row) return <p class="opening">{t.loading}</p>;
	const value = room.grid.value?.class;
	const others = [...new Set(row.watchers.map((one) => one.name))];
	return (
		<div class="lab watch" data-testid="watch-page" data-narrow={narrow.value ? "" : undefined}>
			<TopBar>
				<a class="live-back" href={classPath(id)} aria-label={value?.name} title={value?.name}>
					<Left />
					<span>{value?.name}</span>
				</a>
				<h1 class="bar-title" title={name}>
					{name}
				</h1>
				<span class="watch-presence" title={presenceWord(row.presence, row.joined)}>
					<PresenceMark presence={row.presence} />
					{row.presence === "typing" ? presenceWord("typing", true) : ago(row.lastInput, Date.now())}
				</span>
				<span class="grow" />
				{!narrow.value && <PaneSwitch />}
				<Tools />
			</TopBar>
			<div>
				<Problem asks={room.asks} />
				<div class="watch-note" data-testid="watch-note">
					<span>
						{row.session && t.alone} {others.length > 1 && t.others(others.join(", "))}
					</span>
					<span class="grow" />
					{value?.canEdit && <Acts room={room} row={row} />}
				</div>
			</div>
			{row.session ? (
				<Watched key={row.session} room={room} row={row} />
			) : (
				<main class="message">
					<h2>{t.offline(name)}</h2>
					<p>{t.offlineText}</p>
				</main>
			)}
			{narrow.value && (
				<nav class="bottom">
					<PaneSwitch />
				</nav>
			)}
		</div>
	);
}

/** One session of the learner; another one is watched anew. */
function Watched({ room, row }: { room: ClassStore; row: Row }) {
	const { member } = row;
	const [store] = useState(() => new LabStore(row.lab, sourceOf(room.id, member, row.lab)));
	useEffect(() => () => store.dispose(), [store]);
	const lost = useLasting(store.connection.value !== "live" && store.phase.value.kind === "open", 2500);
	const [watched] = useState<WatchedTerminals>(() => ({
		url: (terminal) => memberTerminal(room.id, member, terminal),
		status: (take) => <KeyboardLine room={room} member={member} take={take} />,
	}));
	return (
		<>
			<Panes store={store} watched={watched} />
			{lost && (
				<p class="watch-lost" role="alert">
					{text().lost}
				</p>
			)}
			<Answered room={room} member={member} />
		</>
	);
}

function sourceOf(id: string, member: string, lab: string): Source {
	return {
		open: () => memberSession(id, member),
		get: async (session) => {
			const now = await memberSession(id, member);
			// The learner has gone on to another lab.
			if (now.id !== session) throw new ApiError(410, null);
			return now;
		},
		events: () => memberEvents(id, member),
		// A playground's network is no lab of the course.
		...(lab === "playground" ? { lab: (_, signal) => memberLab(id, member, signal) } : {}),
		watched: true,
	};
}

/** Says what the learner has answered to the question for the keyboard. */
function Answered({ room, member }: { room: ClassStore; member: string }) {
	const [seen] = useState<{ before: Keyboard }>({ before: "" });
	useSignalEffect(() => {
		const now = room.row(member)?.value.keyboard ?? "";
		if (now !== seen.before && now !== "" && now !== "asked") announce(KeyboardLine.sentence(now, room.nameOf(member)));
		seen.before = now;
	});
	return null;
}
