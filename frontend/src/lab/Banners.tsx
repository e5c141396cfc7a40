/** Lines across the page for what concerns the session as a whole. */
import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { catalogue } from "../i18n/catalogue";
import { inLanguage } from "../state/prefs";
import { offlineText } from "../ui/ErrorPage";
import { Cross } from "../ui/icons";
import { IconButton } from "../ui/Tools";
import { duration, useClock, useLasting } from "./clock";
import type { LabStore } from "./store";

const text = catalogue(
	{
		lost: "The connection is lost. Your network keeps running; the page reconnects by itself.",
		reconnect: "Reconnect now",
		soon: (time: string) => `The session ends in ${time} unless you go on working or extend it.`,
		soonest: "The session ends in less than a minute unless you go on working or extend it.",
		extend: "Extend",
		catchUp: (done: number, of: number) => `Catching up: ${done} of ${of} steps are done.`,
		reset: "The lab is being reset…",
		revised: "The author has changed this lab's network. A reset brings it.",
		failed: "This did not work.",
		dismiss: "Dismiss",
	},
	{
		lost: "연결이 끊겼습니다. 실습 네트워크는 그대로 동작하고 있으며, 자동으로 다시 연결합니다.",
		reconnect: "지금 다시 연결",
		soon: (time) => `계속 작업하거나 시간을 늘리지 않으면 ${time} 뒤에 세션이 끝납니다.`,
		soonest: "계속 작업하거나 시간을 늘리지 않으면 1분 안에 세션이 끝납니다.",
		extend: "시간 늘리기",
		catchUp: (done, of) => `따라잡는 중입니다. ${of}단계 중 ${done}단계를 마쳤습니다.`,
		reset: "실습을 초기화하는 중입니다…",
		revised: "이 실습의 네트워크 구성이 바뀌었습니다. 초기화하면 새 구성으로 시작합니다.",
		failed: "처리하지 못했습니다.",
		dismiss: "닫기",
	},
);

export function Banners({ store }: { store: LabStore }) {
	const session = store.session.value;
	const live = store.phase.value.kind === "open" && session !== null && session.state !== "ended";
	// That the server was not reached is the lost connection's to tell, and over with it.
	const connected = store.connection.value === "live";
	const unreached = store.problem.value === "";
	useEffect(() => {
		if (connected && store.problem.peek() === "") store.dismissProblem();
	}, [store, connected]);
	const problem = unreached && !connected ? null : store.problem.value;
	// Of the view, which changes with every packet of the network, only this.
	const revised = useComputed(() => store.view.value.revised).value;
	return (
		<div class="banners">
			{live && <Lost store={store} tried={unreached} />}
			{live && <Expiry store={store} />}
			{live && store.view.value.passing && <Passing store={store} />}
			<Progress store={store} />
			{live && revised && (
				<Banner kind="plain" testid="revised">
					<p>{text().revised}</p>
				</Banner>
			)}
			{problem !== null && (
				<Banner kind="bad" alert>
					<p>{problem || offlineText()}</p>
					<IconButton label={text().dismiss} onClick={store.dismissProblem}>
						<Cross />
					</IconButton>
				</Banner>
			)}
		</div>
	);
}

function Lost({ store, tried }: { store: LabStore; tried: boolean }) {
	// A connection that comes back at once is nobody's concern.
	const away = store.connection.value !== "live";
	const lost = useLasting(away, 2500);
	if (!lost && !(away && tried)) return null;
	return (
		<Banner kind="bad" alert testid="connection-lost">
			<p>{text().lost}</p>
			<button type="button" onClick={store.reconnect}>
				{text().reconnect}
			</button>
		</Banner>
	);
}

/** The last minutes of a session are shown even if the server's notice got lost. */
const lastMinutes = 2 * 60_000;

function Expiry({ store }: { store: LabStore }) {
	const t = text();
	const now = useClock();
	const left = Date.parse(store.session.value?.expiresAt ?? "") - now.value;
	const warned = useComputed(() => store.view.value.notice?.kind === "expires-soon").value;
	if (!warned && !(left < lastMinutes)) return null;
	return (
		<Banner kind="warn" alert testid="expires-soon">
			<p>{left < 60_000 ? t.soonest : t.soon(duration(left))}</p>
			<button
				type="button"
				data-testid="extend"
				aria-busy={store.pending.value.has("extend")}
				onClick={() => void store.extend()}
			>
				{t.extend}
			</button>
		</Banner>
	);
}

/** The network stands still for a few seconds, or results wait to be stored, or do so no more. */
function Passing({ store }: { store: LabStore }) {
	const now = useClock(500);
	const notice = store.view.value.passing;
	if (!notice || Date.parse(notice.expiresAt) <= now.value) return null;
	const over = notice.kind === "stored";
	return (
		<Banner kind={over ? "plain" : "warn"} alert={!over} testid={notice.kind}>
			<p>{inLanguage(notice.text, notice.texts)}</p>
		</Banner>
	);
}

function Progress({ store }: { store: LabStore }) {
	const t = text();
	const progress = useComputed(() => store.view.value.progress).value;
	if (!progress) return null;
	if (progress.error)
		return (
			<Banner kind="bad" alert>
				<p>{inLanguage(progress.error, progress.errors) || t.failed}</p>
				<IconButton label={t.dismiss} onClick={store.dismissProgress}>
					<Cross />
				</IconButton>
			</Banner>
		);
	const sentence = progress.what === "reset" ? t.reset : t.catchUp(progress.done, progress.total);
	return (
		<Banner kind="plain" testid="progress-banner">
			<p>{sentence}</p>
			<progress max={Math.max(1, progress.total)} value={progress.done} aria-label={sentence} />
		</Banner>
	);
}

interface BannerProps {
	kind: "plain" | "warn" | "bad";
	alert?: boolean;
	testid?: string;
	children: ComponentChildren;
}

function Banner({ kind, alert, testid, children }: BannerProps) {
	return (
		<div class={`banner ${kind}`} role={alert ? "alert" : "status"} data-testid={testid}>
			{children}
		</div>
	);
}
