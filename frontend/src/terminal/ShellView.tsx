/** One terminal: its screen, and a line that says what is the matter with it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Theme } from "../api/panes";
import { announce } from "../state/announce";
import { fontSize, screenReader } from "./prefs";
import type { Shell } from "./shell";
import { panelId, type TerminalStore, tabId } from "./store";
import { text } from "./text";

interface Props {
	store: TerminalStore;
	shell: Shell;
	theme: Theme;
	front: boolean;
}

export function ShellView({ store, shell, theme, front }: Props) {
	const t = text();
	const place = useRef<HTMLDivElement>(null);
	const seen = useRef(false);
	seen.current ||= front;
	const size = fontSize.value;
	const reader = screenReader.value;
	const name = t.shell(shell.host, shell.number);
	const label = t.input(name);
	const usable = store.sessionState.value === "ready" && (!store.watched || shell.writer.value || shell.asked.value);

	useEffect(() => {
		if (!seen.current) return;
		shell.connect();
		shell.attach(place.current);
	}, [shell, front]);
	useEffect(() => () => shell.attach(null), [shell]);

	// The screen exists from the first time that it is in front; a theme is read from the page.
	useEffect(() => shell.screen?.setStyle(size, reader), [shell, size, reader, theme, front]);
	useEffect(() => shell.screen?.setLabel(label, t.tooMuch), [shell, label, t, front]);
	useEffect(() => shell.screen?.setInput(usable), [shell, usable, front]);

	return (
		<div
			class="terms-panel"
			role="tabpanel"
			id={panelId(store.session, shell.id)}
			aria-labelledby={tabId(store.session, shell.id)}
			hidden={!front}
		>
			<div class="terms-screen">
				<div ref={place} class="terms-place" />
			</div>
			<Status store={store} shell={shell} name={name} front={front} />
		</div>
	);
}

interface Said {
	tone: "quiet" | "warn" | "bad";
	what: string;
	does?: ComponentChildren;
	/** It passes: it lies over the oldest lines, and the screen keeps its size. */
	over?: boolean;
}

function Status({ store, shell, name, front }: { store: TerminalStore; shell: Shell; name: string; front: boolean }) {
	const t = text();
	const state = shell.state.value;
	const host = store.host(shell.host)?.state;
	const lost = state.kind === "lost" || (state.kind === "connecting" && shell.known.value);
	const wasLost = useRef(false);

	useEffect(() => {
		if (lost && !wasLost.current && front) announce(t.lostShort(name));
		if (state.kind === "open" && wasLost.current && front) announce(t.back(name));
		wasLost.current = lost;
	}, [lost, state.kind, front, name, t]);

	const take = (): void => {
		shell.takeKeyboard();
		shell.focus();
	};

	const said = ((): Said | null => {
		const session = store.sessionState.value;
		const exit = shell.exit.value;
		if (session === "ended") return { tone: "quiet", what: t.over };
		if (session !== "ready") return { tone: "quiet", what: t.preparing };
		if (state.kind === "closed" && state.reason === "not-yours") return { tone: "bad", what: t.notYours };
		if (host === "rebooting") return { tone: "quiet", what: t.rebooting(shell.host) };
		if (host === "down") return { tone: "warn", what: t.down(shell.host) };
		// Somewhere else this terminal was closed, or the session is just about to end.
		if (exit !== null || state.kind === "closed") {
			const problem = store.problems.value[shell.host];
			return {
				tone: problem ? "bad" : "quiet",
				what: problem ?? (exit === null ? t.gone : t.exited(exit)),
				does: !store.watched && (
					<>
						<button type="button" onClick={() => void renew(store, shell)}>
							{t.renew}
						</button>
						{exit !== null && <span class="terms-aside">{t.enter}</span>}
					</>
				),
			};
		}
		if (lost) {
			return {
				tone: "warn",
				over: true,
				what: t.lost,
				does: (
					<button type="button" onClick={() => shell.retry()}>
						{t.now}
					</button>
				),
			};
		}
		if (state.kind === "connecting") return { tone: "quiet", over: true, what: t.connecting };
		if (!shell.writer.value && store.watched) return { tone: "quiet", what: "", does: store.watched.status(take) };
		if (!shell.writer.value) {
			return {
				tone: "warn",
				what: store.elsewhere,
				does: (
					<button type="button" onClick={take}>
						{t.take}
					</button>
				),
			};
		}
		if (shell.stuck.value) return { tone: "warn", over: true, what: t.stuck };
		return shell.notice.value ? { tone: "warn", over: true, what: shell.notice.value } : null;
	})();

	if (!said) return null;
	return (
		<div class={said.over ? "terms-status over" : "terms-status"} data-tone={said.tone}>
			{said.what && <span>{said.what}</span>}
			{said.does}
		</div>
	);
}

async function renew(store: TerminalStore, shell: Shell): Promise<void> {
	await store.replace(shell);
	store.focus();
}
