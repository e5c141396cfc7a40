/** The lab's three panes: the lesson, the network as it is now, and the terminals. */
import { signal, useComputed } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import type { WatchedTerminals } from "../api/panes";
import { catalogue } from "../i18n/catalogue";
import { language, theme } from "../state/prefs";
import { offlineText } from "../ui/ErrorPage";
import { Again } from "../ui/icons";
import { Separator } from "../ui/Separator";
import { paneName } from "./LabBar";
import { LessonPane } from "./LessonPane";
import { arrangement, change, defaults, layout, narrow, type Pane, reveal, solo } from "./layout";
import { NetworkPane } from "./NetworkPane";
import { runIn, showHost, TerminalPane, waiting } from "./parts";
import type { RunActions } from "./runblocks";
import { Stage, sceneOf } from "./Stage";
import type { LabStore } from "./store";

const text = catalogue(
	{
		lessonLine: "Width of the lesson",
		stackedLine: "Height of the network",
		columnsLine: "Width of the network",
		lessonFailed: "The lesson could not be loaded.",
		retry: "Try again",
	},
	{
		lessonLine: "본문 너비",
		stackedLine: "네트워크 높이",
		columnsLine: "네트워크 너비",
		lessonFailed: "본문을 불러오지 못했습니다.",
		retry: "다시 시도",
	},
);

interface Props {
	store: LabStore;
	/** The session is somebody else's. */
	watched?: WatchedTerminals;
	/** What stands in the lesson's place. */
	Lesson?: typeof LessonPane | undefined;
}

export function Panes({ store, watched, Lesson = LessonPane }: Props) {
	const [active] = useState(() => signal<string | undefined>(undefined));
	const actions = useMemo<RunActions>(
		() => ({
			run: async (host, command) => {
				await uncover("terminals");
				await runIn(host, command);
			},
		}),
		[],
	);
	const onHost = (host: string) => {
		void uncover("terminals")
			.then(() => showHost(host))
			// The terminal pane itself says why it cannot.
			.catch(() => undefined);
	};

	const t = text();
	const scene = sceneOf(store);
	const { lesson, stacked, columns, collapsed } = layout.value;
	const one = narrow.value;
	const shown = (pane: Pane) => (one ? solo.value === pane : !collapsed.includes(pane));
	const rest = shown("diagram") || shown("terminals") || (scene !== null && !one);
	const how = arrangement.value;
	const session = store.session.value;
	const guest = useComputed(() => {
		const member = store.view.value.member;
		return member?.keyboard === "granted" ? member.keyboardBy : "";
	}).value;

	return (
		<main class="panes" style={{ "--lesson": lesson, "--network": how === "stacked" ? stacked : columns }}>
			<section
				id="lesson"
				class="pane pane-lesson"
				aria-label={paneName("lesson")}
				tabIndex={-1}
				hidden={!shown("lesson")}
			>
				{store.labError.value && !store.lab.value ? (
					<LessonError store={store} />
				) : (
					<Lesson store={store} actions={actions} />
				)}
			</section>
			{!one && shown("lesson") && rest && (
				<Separator
					orientation="vertical"
					label={t.lessonLine}
					value={lesson}
					initial={defaults.lesson}
					controls="lesson"
					onChange={(value) => change({ lesson: value })}
				/>
			)}
			<div class="rest" data-arrangement={how} hidden={!rest}>
				<section
					id="diagram"
					class="pane pane-diagram"
					aria-labelledby="diagram-title"
					tabIndex={-1}
					hidden={!shown("diagram")}
					inert={scene !== null}
				>
					<NetworkPane store={store} active={active} onHost={onHost} />
				</section>
				{!one && shown("diagram") && shown("terminals") && (
					<Separator
						orientation={how === "stacked" ? "horizontal" : "vertical"}
						label={how === "stacked" ? t.stackedLine : t.columnsLine}
						value={how === "stacked" ? stacked : columns}
						initial={defaults[how]}
						controls="diagram"
						onChange={(value) => change({ [how]: value })}
					/>
				)}
				<section
					id="terminals"
					class="pane pane-terminals"
					aria-label={paneName("terminals")}
					tabIndex={-1}
					hidden={!shown("terminals")}
					inert={scene !== null && scene !== "ended"}
				>
					{session && (
						<TerminalPane
							key={session.id}
							sessionId={session.id}
							hosts={session.hosts}
							terminals={session.terminals}
							sessionState={session.state}
							theme={theme.value}
							language={language.value}
							onActive={(host: string) => {
								active.value = host;
							}}
							{...(watched ? { watched } : {})}
							guest={guest}
							{...waiting}
						/>
					)}
				</section>
			</div>
			{scene && <StageFrame store={store} scene={scene} beside={!one && shown("lesson")} />}
		</main>
	);
}

function StageFrame({
	store,
	scene,
	beside,
}: {
	store: LabStore;
	scene: NonNullable<ReturnType<typeof sceneOf>>;
	beside: boolean;
}) {
	return (
		<div class={beside ? "stage-frame beside" : "stage-frame"} data-scene={scene}>
			<Stage store={store} scene={scene} />
		</div>
	);
}

/** Makes a pane visible, and waits until it has its size: a terminal measures itself before it types. */
async function uncover(pane: Pane): Promise<void> {
	reveal(pane);
	await new Promise((done) => requestAnimationFrame(done));
}

function LessonError({ store }: { store: LabStore }) {
	const t = text();
	const error = store.labError.value;
	return (
		<div class="message" role="alert">
			<h1>{t.lessonFailed}</h1>
			<p>{error?.offline ? offlineText() : error?.message}</p>
			<p>
				<button type="button" onClick={() => store.retryLab()}>
					<Again />
					{t.retry}
				</button>
			</p>
		</div>
	);
}
