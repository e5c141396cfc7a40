/** The terminals of a session: a tab for each shell, in the order of the hosts. */
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { RunIn, ShowHost, TerminalPaneProps } from "../api/panes";
import { Cross } from "../ui/icons";
import { typeCommand, until } from "./run";
import { Settings } from "./Settings";
import { ShellView } from "./ShellView";
import type { Shell } from "./shell";
import { panelId, type Tab, TerminalStore, tabId } from "./store";
import { text } from "./text";
import "./terminal.css";

/** The terminals that the page shows now; runIn and showHost act on them. */
const shown = signal<TerminalStore | null>(null);

/** How long runIn waits for a pane that the page is just about to show. */
const mounting = 5000;

async function store(): Promise<TerminalStore> {
	await until(() => shown.value !== null, mounting);
	const now = shown.peek();
	if (!now) throw new Error(text().notShown);
	return now;
}

/** Types the command, and Enter, into the host's terminal and shows it. The focus stays where it is. */
export const runIn: RunIn = async (host, command) => {
	const terminals = await store();
	const before = new Set(terminals.shells.peek());
	const shell = await terminals.ready(host);
	await typeCommand(shell, command, !before.has(shell));
};

/** Brings the host's terminal to the front and puts the focus into it. */
export const showHost: ShowHost = async (host) => {
	const terminals = await store();
	const shell = await terminals.ready(host);
	shell.focus();
};

/** Puts the focus into the terminal in front: where F6 leads to. */
export function focusTerminal(): void {
	shown.peek()?.focus();
}

export function TerminalPane(props: TerminalPaneProps) {
	// Another session has other terminals, and shares nothing with these.
	return <Terminals key={props.sessionId} {...props} />;
}

function Terminals(props: TerminalPaneProps) {
	const { sessionId, hosts, terminals, sessionState, theme, onActive, watched, guest = "" } = props;
	const [all, setAll] = useState<TerminalStore | null>(null);

	useLayoutEffect(() => {
		const made = new TerminalStore({ sessionId, hosts, terminals, sessionState, ...(watched ? { watched } : {}) });
		setAll(made);
		shown.value = made;
		return () => {
			if (shown.peek() === made) shown.value = null;
			made.dispose();
		};
	}, [sessionId]);

	useLayoutEffect(() => {
		all?.update({ sessionId, hosts, terminals, sessionState, guest });
	}, [all, sessionId, hosts, terminals, sessionState, guest]);

	return all && <Tabs store={all} theme={theme} onActive={onActive} />;
}

interface TabsProps {
	store: TerminalStore;
	theme: TerminalPaneProps["theme"];
	onActive: TerminalPaneProps["onActive"];
}

function Tabs({ store, theme, onActive }: TabsProps) {
	const t = text();
	const tabs = store.tabs.value;
	const active = store.active.value;
	const host = active?.host;

	// A page may give another function each time; it is told of hosts, not of functions.
	const tell = useRef(onActive);
	tell.current = onActive;
	useEffect(() => {
		if (host) tell.current?.(host);
	}, [host]);

	if (!active) return <p class="terms terms-none">{t.none}</p>;

	const name = active.shell ? t.shell(active.host, active.shell.number) : active.host;
	const close = (shell: Shell) => {
		store.close(shell);
		const next = store.active.peek();
		// Tab and button are gone: the focus goes to the tab that took its place.
		if (next) requestAnimationFrame(() => document.getElementById(tabId(store.session, next.key))?.focus());
	};
	const keys = (event: KeyboardEvent) => {
		const at = tabs.findIndex((tab) => tab.key === active.key);
		const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
		const tab = to === undefined ? undefined : tabs.at(to % tabs.length);
		if (event.ctrlKey || event.altKey || event.metaKey) return;
		if (tab) {
			store.select(tab);
			document.getElementById(tabId(store.session, tab.key))?.focus();
		} else if (event.key === "Delete" && active.shell && !store.watched) {
			close(active.shell);
		} else return;
		event.preventDefault();
	};

	return (
		<div class="terms">
			<div class="terms-bar">
				<div class="terms-tabs" role="tablist" aria-label={t.tabs} onKeyDown={keys}>
					{tabs.map((tab) => (
						<TabButton key={tab.key} store={store} tab={tab} selected={tab.key === active.key} />
					))}
				</div>
				{!store.watched && (
					<button
						type="button"
						class="quiet square"
						aria-label={t.another(active.host)}
						title={t.another(active.host)}
						disabled={!store.canOpen(active.host) || store.opening.value.has(active.host)}
						onClick={() => void store.openHere(active.host)}
					>
						<Plus />
					</button>
				)}
				{active.shell && !store.watched && (
					<button
						type="button"
						class="quiet square"
						aria-label={t.close(name)}
						title={t.close(name)}
						onClick={() => {
							if (active.shell) close(active.shell);
						}}
					>
						<Cross />
					</button>
				)}
				<Settings shell={active.shell} />
			</div>
			<div class="terms-body">
				{tabs.map((tab) =>
					tab.shell ? (
						<ShellView key={tab.key} store={store} shell={tab.shell} theme={theme} front={tab.key === active.key} />
					) : (
						tab.key === active.key && <EmptyHost key={tab.key} store={store} tab={tab} />
					),
				)}
			</div>
		</div>
	);
}

interface TabButtonProps {
	store: TerminalStore;
	tab: Tab;
	selected: boolean;
}

function TabButton({ store, tab, selected }: TabButtonProps) {
	const t = text();
	const { shell } = tab;
	const element = useRef<HTMLButtonElement>(null);
	const state = !shell ? "none" : shell.exit.value !== null ? "ended" : shell.state.value.kind;
	useEffect(() => {
		if (selected) element.current?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
	}, [selected]);
	return (
		<button
			ref={element}
			type="button"
			role="tab"
			id={tabId(store.session, tab.key)}
			class="terms-tab"
			data-state={state}
			aria-selected={selected}
			// What is not in front has no panel, or a hidden one.
			aria-controls={selected ? panelId(store.session, tab.key) : undefined}
			tabIndex={selected ? 0 : -1}
			onClick={() => void store.enter(tab)}
		>
			{shell ? t.shell(tab.host, shell.number) : tab.host}
		</button>
	);
}

function EmptyHost({ store, tab }: { store: TerminalStore; tab: Tab }) {
	const t = text();
	const { host } = tab;
	const state = store.host(host)?.state;
	const session = store.sessionState.value;
	const problem = store.problems.value[host];
	let said = t.empty(host);
	if (session === "ended") said = t.over;
	else if (session !== "ready") said = t.preparing;
	else if (state === "rebooting") said = t.rebooting(host);
	else if (state === "down") said = t.down(host);
	else if (store.opening.value.has(host)) said = t.opening(host);
	return (
		<div
			class="terms-panel terms-empty"
			role="tabpanel"
			id={panelId(store.session, tab.key)}
			aria-labelledby={tabId(store.session, tab.key)}
		>
			<p>{problem ?? said}</p>
			{store.canOpen(host) && (
				<button
					type="button"
					// Not disabled, which would drop the focus; a second click gets the same shell.
					aria-disabled={store.opening.value.has(host)}
					onClick={() => void store.openHere(host)}
				>
					{t.open(host)}
				</button>
			)}
		</div>
	);
}

function Plus() {
	return (
		<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
			<path d="M8 3v10M3 8h10" />
		</svg>
	);
}
