/** One terminal of the page: its connection and its screen, and what the page shows of both. */
import { signal } from "@preact/signals";
import { type LinkListener, type LinkOptions, type LinkState, TerminalLink } from "./link";
import { Screen, type ScreenEvents } from "./screen";

export interface ShellOptions {
	id: string;
	host: string;
	/** Which of the host's shells it is, from 1 on. */
	number: number;
	cols: number;
	rows: number;
	exit: number | null;
	/** This page has just opened it: there is nothing to replay. */
	fresh: boolean;
	url: () => URL;
	viewer: () => string;
	/** Something was typed that nobody takes. */
	refused: (shell: Shell) => void;
	/** Enter was pressed where the shell has ended. */
	again: (shell: Shell) => void;
	ended: (shell: Shell) => void;
	link?: (options: LinkOptions, listener: LinkListener) => TerminalLink;
	screen?: (events: ScreenEvents, cols: number, rows: number) => Screen;
}

/** What xterm answers to programs: attributes, positions, modes, colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: answers begin with Escape
const answer = /^\x1b(?:\[[?>]?[\d;]*(?:c|n|R|\$y)|P|\])/;
const quiet = 200;
const replayMost = 3000;
const noticeFor = 6000;

export class Shell {
	readonly id: string;
	readonly host: string;
	/** Which of the host's shells it is, from 1 on. */
	number: number;
	readonly state = signal<LinkState>({ kind: "connecting" });
	/** It has been connected: a new try is not the first. */
	readonly known = signal(false);
	readonly writer = signal(true);
	/** The keyboard is asked for: what is typed meanwhile waits for it. */
	readonly asked = signal(false);
	readonly stuck = signal(false);
	/** What the learner should know for a moment. */
	readonly notice = signal("");
	/** The shell's exit status; null while it runs. */
	readonly exit = signal<number | null>(null);
	/** It ended because its host rebooted. */
	rebooted = false;
	/** When it ended; 0 if that was before the page looked. */
	endedAt = 0;
	/** Grows with each use of the host's shells: the last one used is the one that commands go to. */
	used = 0;

	readonly #o: ShellOptions;
	#link: TerminalLink | null = null;
	#screen: Screen | null = null;
	/** What is printed was printed before: questions in it have had their answers. */
	#replaying: boolean;
	#timers = new Set<ReturnType<typeof setTimeout>>();
	#quiet: ReturnType<typeof setTimeout> | undefined;
	#element: HTMLElement | null = null;
	#wantsFocus = false;

	constructor(options: ShellOptions) {
		this.#o = options;
		this.id = options.id;
		this.host = options.host;
		this.number = options.number;
		this.exit.value = options.exit;
		this.#replaying = !options.fresh;
	}

	get screen(): Screen | null {
		return this.#screen;
	}

	/** Its screen shows what was printed before the page looked, or not all of it yet. */
	get replaying(): boolean {
		return this.#replaying;
	}

	/** Takes keys, as far as the page knows. */
	get live(): boolean {
		return this.exit.peek() === null && this.state.peek().kind !== "closed";
	}

	/** Connects, the first time. */
	connect(): void {
		if (this.#screen) return;
		const { cols, rows } = this.#o;
		const events: ScreenEvents = {
			data: (data) => this.#data(data),
			size: (c, r) => this.#link?.resize(c, r),
		};
		const screen = (this.#o.screen ?? ((e, c, r) => new Screen(e, c, r)))(events, cols, rows);
		this.#screen = screen;
		if (this.#element) screen.attach(this.#element);
		if (this.#wantsFocus) screen.focus();
		const options: LinkOptions = { url: this.#o.url, viewer: this.#o.viewer() };
		const listener = this.#listener(screen);
		this.#link = (this.#o.link ?? ((o, l) => new TerminalLink(o, l)))(options, listener);
		if (this.#replaying) this.#in(replayMost, () => this.#replayed());
	}

	attach(element: HTMLElement | null): void {
		this.#element = element;
		this.#screen?.attach(element);
	}

	focus(): void {
		if (this.#screen) this.#screen.focus();
		else this.#wantsFocus = true;
	}

	/** Types into the shell. False: nobody may type there now. */
	type(text: string): boolean {
		return this.#link?.send(text) ?? false;
	}

	takeKeyboard(): void {
		this.#link?.takeKeyboard();
	}

	say(sentence: string): void {
		this.notice.value = sentence;
		this.#in(noticeFor, () => {
			if (this.notice.peek() === sentence) this.notice.value = "";
		});
	}

	retry(): void {
		this.#link?.reconnect();
	}

	dispose(): void {
		for (const timer of this.#timers) clearTimeout(timer);
		clearTimeout(this.#quiet);
		this.#link?.close();
		this.#screen?.dispose();
	}

	#listener(screen: Screen): LinkListener {
		return {
			state: (state) => {
				this.state.value = state;
			},
			hello: (hello) => {
				this.known.value = true;
				if (!hello.writer) screen.follow(hello.cols, hello.rows);
				if (this.#replaying) this.#soon();
			},
			output: (data, parsed) => {
				screen.write(data, () => {
					parsed();
					if (this.#replaying) this.#soon();
				});
			},
			resync: () => screen.clear(),
			exit: (code) => this.end(code),
			size: (cols, rows) => {
				if (!this.writer.peek()) screen.follow(cols, rows);
			},
			writer: (has) => {
				this.writer.value = has;
				if (has) screen.lead();
			},
			asked: (waiting) => {
				this.asked.value = waiting;
			},
			refused: () => this.#o.refused(this),
			stuck: (stuck) => {
				this.stuck.value = stuck;
			},
		};
	}

	/** The shell has ended: its connection or the session's events say so, whichever comes first. */
	end(code: number): void {
		if (this.exit.peek() !== null) return;
		this.exit.value = code;
		this.endedAt = Date.now();
		this.#o.ended(this);
	}

	#data(data: string | Uint8Array): void {
		const isAnswer = typeof data === "string" && answer.test(data);
		if (this.#replaying && isAnswer) return;
		if (this.exit.peek() !== null) {
			if (data === "\r") this.#o.again(this);
			return;
		}
		if (!this.type(data as string) && !isAnswer) this.#o.refused(this);
	}

	#soon(): void {
		clearTimeout(this.#quiet);
		this.#quiet = setTimeout(() => this.#replayed(), quiet);
	}

	#replayed(): void {
		this.#replaying = false;
	}

	#in(ms: number, act: () => void): void {
		const timer = setTimeout(() => {
			this.#timers.delete(timer);
			act();
		}, ms);
		this.#timers.add(timer);
	}
}
