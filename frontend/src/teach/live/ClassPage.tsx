/** A class while it is on: where everybody stands, who needs help, and what can be done about it. */
import { useComputed } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Class, ClassState } from "../../api/classes";
import { setClassState } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { useLasting } from "../../lab/clock";
import { navigate } from "../../router";
import { Confirm } from "../../ui/Dialog";
import { ErrorPage, MissingPage, offlineText } from "../../ui/ErrorPage";
import { Eye, Pause, Play } from "../../ui/icons";
import { Menu } from "../../ui/Menu";
import { Tools } from "../../ui/Tools";
import { TopBar } from "../../ui/TopBar";
import { usePageTitle } from "../../ui/title";
import { Problem } from "../Frame";
import { editPath, recordingsPath, resultsPath, rosterPath, teachPath } from "../paths";
import { signedOut } from "../TeachPages";
import { Aside } from "./Aside";
import { Causes } from "./Causes";
import { Compose } from "./Compose";
import { Faults } from "./Faults";
import { JoinBoard } from "./JoinBoard";
import { Legend } from "./Legend";
import { LiveGrid } from "./LiveGrid";
import { Networks } from "./Networks";
import { ShowTerminal } from "./ShowTerminal";
import { ClassStore } from "./store";

const text = catalogue(
	{
		loading: "Loading the class…",
		skip: "Skip to the grid",
		classes: "Classes",
		code: (code: string) => `Join code ${code}: show it on the beamer`,
		online: (n: number, of: number) => `${n} of ${of} here`,
		names: "Hide names",
		namesTitle: "While the page is on the beamer, learners are numbers.",
		pause: "Pause",
		resume: "Resume",
		more: "Class",
		edit: "Settings",
		roster: "Roster",
		results: "Results",
		recordings: "Recordings",
		message: "Message to the class",
		broadcast: "Show a terminal to the class",
		fault: "Break something",
		end: "End the class",
		endAsk: "End the class?",
		endText:
			"All sessions of the class end, and nobody can join any more. Progress and results stay. You can open it again.",
		reopen: "Open the class again",
		paused: "The class is paused: nobody can type or check.",
		ended: "The class has ended. What you see is how it stood then.",
		lost: "The connection is lost. What you see is old; the page reconnects by itself.",
		reconnect: "Reconnect now",
		view: "View",
		steps: "Steps",
		why: "Why",
		networks: "Networks",
		lab: "Lab",
	},
	{
		loading: "수업을 불러오는 중입니다…",
		skip: "진행 상황표로 건너뛰기",
		classes: "수업 목록",
		code: (code) => `참여 코드 ${code}: 화면에 크게 띄우기`,
		online: (n, of) => `${of}명 중 ${n}명 접속`,
		names: "이름 가리기",
		namesTitle: "화면을 함께 볼 때 학습자를 번호로 표시합니다.",
		pause: "일시 정지",
		resume: "다시 시작",
		more: "수업",
		edit: "설정",
		roster: "명단",
		results: "결과",
		recordings: "녹화",
		message: "모두에게 메시지",
		broadcast: "터미널 보여 주기",
		fault: "장애 일으키기",
		end: "수업 끝내기",
		endAsk: "수업을 끝내시겠습니까?",
		endText: "수업의 모든 세션이 끝나고 더는 참여할 수 없습니다. 진행 상황과 결과는 남으며, 다시 열 수 있습니다.",
		reopen: "수업 다시 열기",
		paused: "수업을 일시 정지했습니다. 아무도 입력하거나 확인할 수 없습니다.",
		ended: "끝난 수업입니다. 끝났을 때의 모습을 보여 줍니다.",
		lost: "연결이 끊겨 지금 보이는 것은 예전 상태입니다. 자동으로 다시 연결합니다.",
		reconnect: "지금 다시 연결",
		view: "보기",
		steps: "단계",
		why: "원인",
		networks: "네트워크",
		lab: "실습",
	},
);

const views = ["steps", "why", "networks"] as const;
type View = (typeof views)[number];
type Open = "board" | "message" | "fault" | "broadcast" | "end" | null;

export function ClassPage({ id }: { id: string }) {
	const t = text();
	const [store] = useState(() => new ClassStore(id));
	const [view, setView] = useState<View>("steps");
	const [open, setOpen] = useState<Open>(null);
	useEffect(() => () => store.dispose(), [store]);
	const value = useComputed(() => store.grid.value?.class).value;
	usePageTitle(value?.name);
	const failure = store.failure.value;
	useEffect(() => void signedOut(failure), [failure]);
	if (failure && !value) {
		if (failure.status === 404) return <MissingPage />;
		return <ErrorPage text={failure.offline ? offlineText() : failure.message} retry={store.reconnect} />;
	}
	if (!value) return <p class="opening">{t.loading}</p>;
	const close = () => setOpen(null);
	const become = (state: ClassState) => void store.asks.run("state", () => setClassState(id, state));
	return (
		<div class="live" data-testid="class-page">
			<a class="skip" href="#live-main">
				{t.skip}
			</a>
			<Bar store={store} value={value} onOpen={setOpen} become={become} />
			<div class="banners">
				<Lost store={store} />
				<Problem asks={store.asks} />
				{value.state !== "open" && (
					<div class="banner warn" role="status" data-testid="class-state">
						<p>{value.state === "paused" ? t.paused : t.ended}</p>
						{value.canEdit && (
							<button type="button" onClick={() => become("open")}>
								{value.state === "paused" ? t.resume : t.reopen}
							</button>
						)}
					</div>
				)}
			</div>
			<div class="live-body">
				<main id="live-main" class="live-main" tabIndex={-1}>
					<div class="live-tools">
						<LabSwitch store={store} labs={value.catalog} />
						<span class="grow" />
						{/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields */}
						<div class="switch" role="group" aria-label={t.view}>
							{views.map((one) => (
								<button
									key={one}
									type="button"
									data-testid={`view-${one}`}
									aria-pressed={view === one}
									onClick={() => setView(one)}
								>
									{t[one]}
								</button>
							))}
						</div>
					</div>
					{view === "steps" && (
						<>
							<LiveGrid store={store} />
							<Legend />
						</>
					)}
					{view === "why" && <Causes store={store} />}
					{view === "networks" && <Networks store={store} />}
				</main>
				<Aside store={store} canEdit={value.canEdit && value.state !== "ended"} onMessage={() => setOpen("message")} />
			</div>
			{open === "board" && <JoinBoard store={store} value={value} onClose={close} />}
			{open === "message" && <Compose store={store} onClose={close} />}
			{open === "fault" && <Faults store={store} onClose={close} />}
			{open === "broadcast" && <ShowTerminal store={store} onClose={close} />}
			{open === "end" && (
				<Confirm title={t.endAsk} action={t.end} onClose={close} onConfirm={() => become("ended")}>
					<p>{t.endText}</p>
				</Confirm>
			)}
		</div>
	);
}

interface BarProps {
	store: ClassStore;
	value: Class;
	onOpen: (what: Open) => void;
	become: (state: ClassState) => void;
}

function Bar({ store, value, onOpen, become }: BarProps) {
	const t = text();
	const counts = useComputed(() => {
		const board = store.grid.value?.board;
		return board ? t.online(board.online, board.joined) : "";
	}).value;
	const go = (path: string) => () => navigate(path);
	const ended = value.state === "ended";
	const acts = value.canEdit
		? [
				{ key: "message", label: t.message, disabled: ended, onPick: () => onOpen("message") },
				{ key: "broadcast", label: t.broadcast, disabled: ended, onPick: () => onOpen("broadcast") },
				{ key: "fault", label: t.fault, disabled: ended, onPick: () => onOpen("fault") },
				{ key: "roster", label: t.roster, onPick: go(rosterPath(value.id)) },
				{ key: "edit", label: t.edit, onPick: go(editPath(value.id)) },
			]
		: [];
	const end = value.canEdit && !ended ? [{ key: "end", label: t.end, onPick: () => onOpen("end") }] : [];
	return (
		<TopBar>
			<a class="live-back" href={teachPath}>
				{t.classes}
			</a>
			<h1 class="bar-title" title={value.name}>
				{value.name}
			</h1>
			<span class="grow" />
			<span class="live-count" data-testid="online">
				{counts}
			</span>
			{!ended && (
				<button
					type="button"
					class="live-code"
					data-testid="join-code"
					aria-label={t.code(value.code)}
					title={t.code(value.code)}
					onClick={() => onOpen("board")}
				>
					<span class="mono">{value.code}</span>
				</button>
			)}
			<button
				type="button"
				class="quiet"
				aria-pressed={store.anonymous.value}
				title={t.namesTitle}
				data-testid="hide-names"
				onClick={() => {
					store.anonymous.value = !store.anonymous.value;
				}}
			>
				<Eye />
				<span class="bar-word">{t.names}</span>
			</button>
			{value.canEdit && !ended && (
				<button
					type="button"
					class="quiet"
					data-testid="pause"
					aria-busy={store.asks.pending.value.has("state")}
					title={value.state === "paused" ? t.resume : t.pause}
					onClick={() => become(value.state === "paused" ? "open" : "paused")}
				>
					{value.state === "paused" ? <Play /> : <Pause />}
					{/* Always in words: the page's own button beside it pauses motion. */}
					{value.state === "paused" ? t.resume : t.pause}
				</button>
			)}
			<Menu
				class="quiet"
				testid="class-menu"
				label={t.more}
				items={[
					...acts,
					{ key: "results", label: t.results, onPick: go(resultsPath(value.id)) },
					{ key: "recordings", label: t.recordings, onPick: go(recordingsPath(value.id)) },
					...end,
				]}
			/>
			<Tools />
		</TopBar>
	);
}

function LabSwitch({ store, labs }: { store: ClassStore; labs: Class["catalog"] }) {
	const t = text();
	const now = store.lab.value?.name;
	if (labs.length === 1) return <h2 class="live-lab">{labs[0]?.title}</h2>;
	return (
		<label class="live-lab">
			<span class="offscreen">{t.lab}</span>
			<select data-testid="lab-switch" value={now} onChange={(event) => store.chooseLab(event.currentTarget.value)}>
				{labs.map((lab, i) => (
					<option key={lab.name} value={lab.name}>
						{i + 1}. {lab.title}
					</option>
				))}
			</select>
		</label>
	);
}

function Lost({ store }: { store: ClassStore }) {
	const lost = useLasting(store.connection.value !== "live", 2500);
	if (!lost) return null;
	return (
		<div class="banner bad" role="alert" data-testid="connection-lost">
			<p>{text().lost}</p>
			<button type="button" onClick={store.reconnect}>
				{text().reconnect}
			</button>
		</div>
	);
}
