/** The terminals of one session: which there are, which one is in front, and what the page can do with them. */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import { ApiError } from "../api/client";
import type { TerminalPaneProps } from "../api/panes";
import type { HostState, Terminal } from "../api/types";
import { announce } from "../state/announce";
import { closeTerminal, openTerminal, terminalURL } from "./api";
import { Shell, type ShellOptions } from "./shell";
import { text } from "./text";
import { Viewers } from "./viewer";

/** A tab: a shell, or a host that has none. */
export interface Tab {
	key: string;
	host: string;
	shell: Shell | null;
}

export type StoreProps = Pick<
	TerminalPaneProps,
	"sessionId" | "hosts" | "terminals" | "sessionState" | "watched" | "guest"
>;

export interface StoreOptions {
	/** For tests. */
	shell?: Pick<ShellOptions, "link" | "screen">;
}

/** A shell that ended so shortly before its host went down ended because of that. */
const rebootWindow = 5000;

export class TerminalStore {
	readonly session: string;
	readonly watched: StoreProps["watched"];
	readonly hosts: Signal<HostState[]>;
	readonly sessionState: Signal<TerminalPaneProps["sessionState"]>;
	readonly guest: Signal<string>;
	readonly shells = signal<readonly Shell[]>([]);
	/** Hosts on which a shell is being opened. */
	readonly opening = signal<ReadonlySet<string>>(new Set());
	/** What went wrong with opening one, by host. */
	#failures = signal<Readonly<Record<string, unknown>>>({});
	readonly problems: ReadonlySignal<Readonly<Record<string, string>>> = computed(() =>
		Object.fromEntries(Object.entries(this.#failures.value).map(([host, error]) => [host, whyNot(host, error)])),
	);
	readonly tabs: ReadonlySignal<Tab[]>;
	readonly active: ReadonlySignal<Tab | null>;

	#chosen = signal<{ host: string; shell: string | null }>({ host: "", shell: null });
	#viewers = new Viewers();
	#o: StoreOptions;
	/** Opened by this page and not in the server's list yet. */
	#own = new Set<string>();
	/** Closed by this page, whatever the server's list still says. */
	#closed = new Set<string>();
	#opened = new Map<string, Promise<Shell>>();
	#uses = 0;
	#stop: () => void;
	#disposed = false;

	constructor(props: StoreProps, options: StoreOptions = {}) {
		this.#o = options;
		this.session = props.sessionId;
		this.watched = props.watched;
		this.hosts = signal(props.hosts);
		this.sessionState = signal(props.sessionState);
		this.guest = signal(props.guest ?? "");
		this.tabs = computed(() =>
			this.hosts.value.flatMap(({ name }): Tab[] => {
				const shells = this.shells.value.filter((shell) => shell.host === name);
				if (shells.length === 0) return [{ key: `host-${name}`, host: name, shell: null }];
				return shells.map((shell) => ({ key: shell.id, host: name, shell }));
			}),
		);
		this.active = computed(() => {
			const tabs = this.tabs.value;
			const { host, shell } = this.#chosen.value;
			return (
				tabs.find((tab) => tab.shell?.id === shell && shell !== null) ??
				tabs.find((tab) => tab.host === host) ??
				tabs.find((tab) => tab.shell) ??
				tabs[0] ??
				null
			);
		});
		this.#chosen.value = this.#remembered();
		this.update(props);
		this.#stop = effect(() => this.#follow());
	}

	/** Who types where this page does not. */
	get elsewhere(): string {
		const t = text();
		return this.guest.value ? t.guest(this.guest.value) : t.watching;
	}

	/** The session's state, hosts and terminals as the server has them now. */
	update(props: StoreProps): void {
		if (this.#disposed) return;
		batch(() => {
			const before = this.hosts.peek();
			this.hosts.value = props.hosts;
			this.sessionState.value = props.sessionState;
			this.guest.value = props.guest ?? "";
			this.#list(props.terminals);
			for (const { name, state, outages = 0 } of props.hosts) {
				const was = before.find((host) => host.name === name);
				const down = state !== "up" && was?.state !== state;
				if (!down && outages <= (was?.outages ?? 0)) continue;
				for (const shell of this.#of(name)) {
					if (shell.exit.peek() === null || Date.now() - shell.endedAt < rebootWindow) shell.rebooted = true;
				}
			}
		});
	}

	dispose(): void {
		this.#disposed = true;
		this.#stop();
		for (const shell of this.shells.peek()) shell.dispose();
		this.#viewers.dispose();
	}

	host(name: string): HostState | undefined {
		return this.hosts.value.find((host) => host.name === name);
	}

	/** Whether a shell could be opened on the host now. */
	canOpen(name: string): boolean {
		return !this.watched && this.sessionState.value === "ready" && this.host(name)?.state === "up";
	}

	select(tab: Tab, focus = false): void {
		this.#choose(tab.host, tab.shell);
		if (focus) tab.shell?.focus();
	}

	/** What a click on a tab does: a host that has no shell gets one. */
	async enter(tab: Tab): Promise<void> {
		this.select(tab, true);
		if (!tab.shell && this.canOpen(tab.host)) await this.openHere(tab.host);
	}

	/** Opens one more shell on the host and brings it to the front; a failure is shown in its place. */
	async openHere(host: string): Promise<void> {
		try {
			const shell = await this.open(host);
			this.#choose(host, shell);
			shell.focus();
		} catch {
			// It is among the problems.
		}
	}

	/** Opens one more shell on the host. Who asks while one is being opened gets that one. */
	open(host: string): Promise<Shell> {
		const under = this.#opened.get(host);
		if (under) return under;
		const promise = this.#open(host).finally(() => {
			this.#opened.delete(host);
			this.opening.value = new Set(this.#opened.keys());
		});
		this.#opened.set(host, promise);
		this.opening.value = new Set(this.#opened.keys());
		return promise;
	}

	async #open(host: string): Promise<Shell> {
		const { [host]: _, ...others } = this.#failures.peek();
		this.#failures.value = others;
		// Of the size that it will have: all are shown in the same place.
		const screen = this.active.peek()?.shell?.screen ?? this.shells.peek().find((s) => s.screen)?.screen;
		try {
			const terminal = await openTerminal(this.session, host, screen?.cols ?? 80, screen?.rows ?? 24);
			const known = this.shells.peek().find((shell) => shell.id === terminal.id);
			if (known) return known;
			this.#own.add(terminal.id);
			return this.#add(terminal, true);
		} catch (error) {
			this.#failures.value = { ...this.#failures.peek(), [host]: error };
			const why = whyNot(host, error);
			announce(why);
			throw new Error(why);
		}
	}

	/** Ends a shell and takes its tab away. */
	close(shell: Shell): void {
		const front = this.active.peek()?.shell === shell;
		this.#remove(shell);
		// A failure leaves a shell that nobody sees; the next page shows it again.
		closeTerminal(this.session, shell.id).catch(() => {});
		if (front) this.#choose(shell.host, this.#best(shell.host, false));
	}

	/** A new shell in the place of one that has ended. */
	async replace(shell: Shell): Promise<void> {
		const focused = shell.screen?.hasFocus ?? false;
		const front = this.active.peek()?.shell === shell;
		shell.rebooted = false;
		try {
			const next = this.#best(shell.host, true) ?? (await this.open(shell.host));
			if (this.#disposed) return;
			batch(() => {
				if (front) this.#choose(shell.host, next);
				next.number = Math.min(next.number, shell.number);
				this.#remove(shell);
			});
			closeTerminal(this.session, shell.id).catch(() => {});
			if (focused) next.focus();
		} catch {
			// It is among the problems; the ended shell stays to be read.
		}
	}

	/** Puts the focus into the terminal in front. */
	focus(): void {
		const tab = this.active.peek();
		if (tab?.shell) tab.shell.focus();
		else document.getElementById(tabId(this.session, tab?.key ?? ""))?.focus();
	}

	/** A shell on the host that takes commands: the last one used, or a new one. It comes to the front. */
	async ready(host: string): Promise<Shell> {
		const t = text();
		const state = this.host(host)?.state;
		if (!state) throw new Error(t.noHost(host));
		if (this.sessionState.peek() === "ended") throw new Error(t.over);
		if (this.sessionState.peek() !== "ready") throw new Error(t.preparing);
		if (state !== "up") {
			this.#choose(host, null);
			throw new Error(state === "down" ? t.down(host) : t.rebooting(host));
		}
		if (this.watched && !this.#best(host, true)) {
			this.#choose(host, null);
			throw new Error(t.empty(host));
		}
		const active = this.active.peek()?.shell;
		const shell = active?.host === host && active.live ? active : (this.#best(host, true) ?? (await this.open(host)));
		this.#choose(host, shell);
		shell.connect();
		return shell;
	}

	#of(host: string): Shell[] {
		return this.shells.peek().filter((shell) => shell.host === host);
	}

	#best(host: string, live: boolean): Shell | null {
		const all = this.#of(host).filter((shell) => shell.live || !live);
		return all.sort((a, b) => Number(b.live) - Number(a.live) || b.used - a.used || a.number - b.number)[0] ?? null;
	}

	#choose(host: string, shell: Shell | null): void {
		if (shell) shell.used = ++this.#uses;
		const chosen = { host, shell: shell?.id ?? null };
		this.#chosen.value = chosen;
		try {
			sessionStorage.setItem(this.#key, JSON.stringify(chosen));
		} catch {
			// The first tab is in front after a reload.
		}
	}

	get #key(): string {
		return `netground.tab.${this.session}`;
	}

	#remembered(): { host: string; shell: string | null } {
		try {
			const { host, shell } = JSON.parse(sessionStorage.getItem(this.#key) ?? "{}");
			return { host: String(host ?? ""), shell: typeof shell === "string" ? shell : null };
		} catch {
			return { host: "", shell: null };
		}
	}

	#list(terminals: Terminal[]): void {
		const listed = new Set(terminals.map((terminal) => terminal.id));
		for (const id of listed) this.#own.delete(id);
		for (const shell of this.shells.peek()) {
			if (!listed.has(shell.id) && !this.#own.has(shell.id)) this.#remove(shell);
		}
		for (const terminal of terminals) {
			if (this.#closed.has(terminal.id)) continue;
			const shell = this.shells.peek().find((s) => s.id === terminal.id);
			if (!shell) this.#add(terminal, false);
			// A connected one says so itself, after the last that it printed.
			else if (terminal.exited && !shell.screen) shell.end(terminal.exitCode);
		}
	}

	#add(terminal: Terminal, fresh: boolean): Shell {
		const taken = new Set(this.#of(terminal.host).map((shell) => shell.number));
		let number = 1;
		while (taken.has(number)) number++;
		const shell: Shell = new Shell({
			id: terminal.id,
			host: terminal.host,
			number,
			cols: terminal.cols || 80,
			rows: terminal.rows || 24,
			exit: terminal.exited ? terminal.exitCode : null,
			fresh,
			url: () => this.watched?.url(terminal.id) ?? terminalURL(this.session, terminal.id),
			viewer: () => this.#viewers.id(terminal.id),
			refused: (s) => {
				if (!s.live) return;
				if (s.writer.peek()) s.say(text().refused);
				announce(s.writer.peek() ? text().refused : this.elsewhere);
			},
			again: (s) => void this.replace(s),
			ended: (s) => {
				const state = this.hosts.peek().find((host) => host.name === s.host)?.state;
				if (state && state !== "up") s.rebooted = true;
				else if (this.active.peek()?.shell === s) announce(text().exited(s.exit.peek() ?? 0));
			},
			...this.#o.shell,
		});
		this.shells.value = [...this.shells.peek(), shell].sort((a, b) => a.number - b.number);
		return shell;
	}

	#remove(shell: Shell): void {
		this.#closed.add(shell.id);
		this.#own.delete(shell.id);
		this.#viewers.forget(shell.id);
		this.shells.value = this.shells.peek().filter((s) => s !== shell);
		shell.dispose();
	}

	/** What follows from the state of the shell in front. */
	#follow(): void {
		const shell = this.active.value?.shell;
		if (!shell) return;
		const state = shell.state.value;
		const exited = shell.exit.value !== null;
		const canOpen = this.canOpen(shell.host);
		untracked(() => {
			// The first one in front stays there, whatever comes before it later.
			if (!this.#chosen.peek().host) this.#chosen.value = { host: shell.host, shell: shell.id };
			// Shown for the first time.
			queueMicrotask(() => {
				if (!this.#disposed && this.active.peek()?.shell === shell) shell.connect();
			});
			if (state.kind === "closed" && state.reason === "gone") queueMicrotask(() => this.#remove(shell));
			else if (exited && shell.rebooted && canOpen) queueMicrotask(() => void this.replace(shell));
		});
	}
}

/** The element of a tab, and of its panel. */
export const tabId = (session: string, key: string): string => `terminal-tab-${session}-${key}`;
export const panelId = (session: string, key: string): string => `terminal-panel-${session}-${key}`;

function whyNot(host: string, error: unknown): string {
	const t = text();
	return `${t.failed(host)} ${error instanceof ApiError && !error.offline ? error.message : t.offline}`;
}
