/** The workshop: ready topologies, an editor, and the network as it will be. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, endSession } from "../api/client";
import type { HostState, Playground, ReadyTopology } from "../api/types";
import { Diagram } from "../diagram/Diagram";
import { text as diagramText } from "../diagram/text";
import { navigate, networkPath, playPath } from "../router";
import { announce } from "../state/announce";
import { language, still } from "../state/prefs";
import { copyText } from "../ui/copy";
import { Confirm } from "../ui/Dialog";
import { ErrorPage, offlineText } from "../ui/ErrorPage";
import { Copy, Play } from "../ui/icons";
import { Tools } from "../ui/Tools";
import { TopBar } from "../ui/TopBar";
import { usePageTitle } from "../ui/title";
import { getPlayground, play } from "./api";
import { draft, fromFragment, toFragment } from "./draft";
import { Editor } from "./Editor";
import { lineOfNode } from "./edit";
import { Problems } from "./Problems";
import { Thumb } from "./Thumb";
import { text } from "./text";
import { type Checked, useCheck } from "./useCheck";

export function Workshop() {
	const t = text();
	const lang = language.value;
	const [data, setData] = useState<Playground | null>(null);
	const [failure, setFailure] = useState<ApiError | null>(null);
	const [tries, setTries] = useState(0);
	usePageTitle(t.title);
	useEffect(() => {
		const abort = new AbortController();
		getPlayground(abort.signal).then(setData, (error) => error instanceof ApiError && setFailure(error));
		return () => abort.abort();
	}, [lang, tries]);
	if (!data && failure)
		return (
			<ErrorPage
				text={failure.offline ? offlineText() : failure.message}
				retry={() => {
					setFailure(null);
					setTries(tries + 1);
				}}
			/>
		);
	return (
		<div class="page">
			<TopBar>
				<Tools />
			</TopBar>
			<main class="play" data-testid="playground" aria-busy={!data}>
				<header class="play-head">
					<h1>{t.title}</h1>
					<p>{t.lead}</p>
				</header>
				{data ? <Bench data={data} /> : <p class="opening">{t.opening}</p>}
			</main>
		</div>
	);
}

type Question = { kind: "ready"; ready: ReadyTopology } | { kind: "other" };

function Bench({ data }: { data: Playground }) {
	const t = text();
	const [linked, setLinked] = useState(() => fromFragment(location.hash, data.maxText));
	const [own] = useState(() => draft.text || data.text || data.ready[0]?.text || "");
	const [value, setValue] = useState(linked ?? own);
	const [goal, setGoal] = useState<{ line: number; column: number } | null>(null);
	const [asking, setAsking] = useState<Question | null>(null);
	const [running, setRunning] = useState(data.session);
	const [busy, setBusy] = useState(false);
	const [trouble, setTrouble] = useState<ApiError | null>(null);
	const checked = useCheck(value, data.maxText);

	const change = (to: string) => {
		setValue(to);
		setTrouble(null);
		draft.text = to;
		if (linked === null) return;
		// The text is another one now than the address says.
		setLinked(null);
		navigate(playPath);
	};
	const pick = (ready: ReadyTopology) => {
		const known = value.trim() === "" || value === data.text || data.ready.some((r) => r.text === value);
		if (known) change(ready.text);
		else setAsking({ kind: "ready", ready });
	};
	const start = async (replace: boolean) => {
		if (running && value !== data.text && !replace) {
			setAsking({ kind: "other" });
			return;
		}
		setBusy(true);
		setTrouble(null);
		try {
			await play(value, replace);
			draft.started = value;
			navigate(networkPath);
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			// Another tab has started one since.
			if (error.problem?.type.endsWith(":playing")) setAsking({ kind: "other" });
			else if (error.full) {
				// The network's page waits in the queue.
				draft.started = value;
				navigate(networkPath);
			} else setTrouble(error);
		} finally {
			setBusy(false);
		}
	};
	const end = async () => {
		try {
			await endSession(running);
			setRunning("");
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			if (error.gone) setRunning("");
			else setTrouble(error);
		}
	};

	return (
		<>
			{running && (
				<p class="play-note" data-testid="play-running">
					<i class="light on" aria-hidden="true" />
					<span>{t.runs}</span>
					<a href={networkPath}>{t.openIt}</a>
					<button type="button" class="link" onClick={() => void end()}>
						{t.endIt}
					</button>
				</p>
			)}
			{linked !== null && linked !== own && (
				<p class="play-note" data-testid="play-linked">
					<span>{t.fromLink}</span>
					<button type="button" class="link" onClick={() => change(own)}>
						{t.back}
					</button>
				</p>
			)}
			<section aria-labelledby="play-ready">
				<h2 id="play-ready" class="label">
					{t.ready}
				</h2>
				<ul class="play-cards">
					{data.ready.map((ready) => (
						<li key={ready.id}>
							<button
								type="button"
								class="play-card"
								data-testid={`ready-${ready.id}`}
								aria-pressed={ready.text === value}
								onClick={() => pick(ready)}
							>
								<Thumb topology={ready.topology} />
								<strong>{ready.title}</strong>
								<span>{ready.summary}</span>
							</button>
						</li>
					))}
				</ul>
			</section>
			<div class="play-bench">
				<section class="play-side" aria-labelledby="play-editor">
					<header>
						<h2 id="play-editor" class="label">
							{t.editor}
						</h2>
						<span class="grow" />
						<ShareButtons value={value} />
					</header>
					<Editor value={value} problems={checked.problems} goal={goal} onInput={change} />
					<Problems checked={checked} onGo={(line, column) => setGoal({ line, column })} />
				</section>
				<section class="play-side" aria-labelledby="play-picture">
					<header>
						<h2 id="play-picture" class="label">
							{t.picture}
						</h2>
						{checked.stale && checked.drawn && <span class="play-stale">{t.stale}</span>}
					</header>
					<Picture
						checked={checked}
						onHost={(host) => setGoal({ line: Math.max(1, lineOfNode(value, host)), column: 1 })}
					/>
					<footer>
						{trouble && (
							<p class="play-trouble" role="alert">
								{trouble.offline ? offlineText() : trouble.message}
							</p>
						)}
						<button
							type="button"
							class="primary play-start"
							data-testid="play-start"
							aria-busy={busy}
							disabled={busy || checked.kind !== "good"}
							onClick={() => void start(false)}
						>
							<Play />
							{busy ? t.starting : running && value === data.text ? t.open : t.start}
						</button>
					</footer>
				</section>
			</div>
			<HowTo />
			{asking?.kind === "ready" && (
				<Confirm
					title={t.replaceAsk}
					action={t.replaceDo}
					onConfirm={() => change(asking.ready.text)}
					onClose={() => setAsking(null)}
				>
					<p>{t.replaceText}</p>
				</Confirm>
			)}
			{asking?.kind === "other" && (
				<Confirm
					title={t.otherAsk}
					action={t.otherDo}
					onConfirm={() => void start(true)}
					onClose={() => setAsking(null)}
				>
					<p>{t.otherText}</p>
				</Confirm>
			)}
		</>
	);
}

/** The network as it will be; while there is a mistake, as it was before. */
function Picture({ checked: { drawn, stale }, onHost }: { checked: Checked; onHost: (host: string) => void }) {
	const lang = language.value;
	const hosts = useMemo<HostState[]>(
		() => (drawn?.topology.nodes ?? []).filter((n) => n.kind === "host").map((n) => ({ name: n.name, state: "up" })),
		[drawn],
	);
	const words = useMemo(() => ({ ...diagramText.all[lang], open: text().goToHost }), [lang]);
	return (
		<div class="play-picture" data-testid="play-picture" data-stale={stale ? "" : undefined}>
			{drawn && (
				<Diagram
					topology={drawn.topology}
					state={drawn.state}
					hosts={hosts}
					language={lang}
					words={words}
					still={still.value}
					onHost={onHost}
				/>
			)}
		</div>
	);
}

/** How long a button says what it did. */
const said = 1600;

function ShareButtons({ value }: { value: string }) {
	const t = text();
	const [shared, setShared] = useState(false);
	const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
	useEffect(() => () => clearTimeout(timer.current), []);
	const share = async () => {
		const copied = await copyText(`${location.origin}${playPath}${toFragment(value)}`);
		announce(copied ? t.shared : t.shareFailed);
		setShared(copied);
		clearTimeout(timer.current);
		timer.current = setTimeout(() => setShared(false), said);
	};
	const download = () => {
		const url = URL.createObjectURL(new Blob([value], { type: "application/yaml" }));
		Object.assign(document.createElement("a"), { href: url, download: "topology.yaml" }).click();
		// The browser has taken it by then.
		setTimeout(() => URL.revokeObjectURL(url), 0);
	};
	return (
		<>
			<button type="button" class="quiet" data-testid="play-share" onClick={() => void share()}>
				<Copy />
				{shared ? t.shared : t.share}
			</button>
			<button type="button" class="quiet" data-testid="play-download" onClick={download}>
				{t.download}
			</button>
		</>
	);
}

function HowTo() {
	const t = text();
	const rows: Array<[string, string]> = [
		["hosts", t.howHosts],
		["interfaces", t.howInterfaces],
		["routes", t.howRoutes],
		["sysctl", t.howSysctl],
		["switches", t.howSwitches],
		["links", t.howLinks],
		["at", t.howAt],
	];
	return (
		<details class="play-how">
			<summary>{t.how}</summary>
			<dl>
				{rows.map(([key, what]) => (
					<div key={key}>
						<dt>
							<code>{key}</code>
						</dt>
						<dd>{what}</dd>
					</div>
				))}
			</dl>
			<p>{t.howBounds}</p>
		</details>
	);
}
