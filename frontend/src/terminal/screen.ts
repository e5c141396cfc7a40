/**
 * What a terminal looks like: xterm, its size, its colours and its keys. It
 * knows nothing of connections.
 */
import { FitAddon } from "@xterm/addon-fit";
import type { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { copyText } from "../ui/copy";
import { maxCols, maxRows } from "./protocol";
import { readFont, readTheme, scaled } from "./theme";

export interface ScreenEvents {
	/** Typed, pasted, or answered to a program that asked. */
	data(data: string | Uint8Array): void;
	/** The screen fits its place with this size. */
	size(cols: number, rows: number): void;
}

/**
 * Whether a byte of UTF-8 may begin a character whose width the table that
 * xterm brings does not know: the other planes, and the block of symbols and
 * emoji. It knows letters, Hangul among them, so that most learners never
 * need the table of Unicode 11.
 */
const newer = (byte: number): boolean => byte === 0xe2 || byte >= 0xf0;

/** Cancel, then a full reset: as bytes, so that they take their turn behind what is still to be parsed. */
const reset = Uint8Array.of(0x18, 0x1b, 0x63);

export class Screen {
	readonly #terminal: Terminal;
	readonly #events: ScreenEvents;
	readonly #fit = new FitAddon();
	#webgl: WebglAddon | null = null;
	#noWebgl = false;
	#container: HTMLElement | null = null;
	#observer: ResizeObserver | null = null;
	#frame = 0;
	#label = "";
	#opened = false;
	#wantsFocus = false;
	/** The size is another viewer's. */
	#follows = false;
	#disposed = false;
	/** Writes that wait for the widths of characters, while these are on their way. */
	#waiting: Array<() => void> | null = null;
	#wide = false;

	constructor(events: ScreenEvents, cols: number, rows: number) {
		this.#events = events;
		this.#terminal = new Terminal({
			cols,
			rows,
			allowProposedApi: true, // for the Unicode version
			scrollback: 5000,
			lineHeight: 1.25, // less cuts underscores off, and Hangul off its feet
			cursorBlink: false,
			minimumContrastRatio: 4.5,
			drawBoldTextInBrightColors: false,
			rescaleOverlappingGlyphs: true,
			macOptionClickForcesSelection: true,
			logLevel: "off",
		});
		const terminal = this.#terminal;
		terminal.loadAddon(this.#fit);
		// A program on a host cannot write the clipboard, make links, or open anything.
		terminal.options.linkHandler = { activate: () => {} };
		for (const code of [8, 52]) terminal.parser.registerOscHandler(code, () => true);
		terminal.onData((data) => events.data(data));
		// Reports of the mouse in its oldest encoding, which is not text.
		terminal.onBinary((data) => events.data(Uint8Array.from(data, (c) => c.charCodeAt(0))));
		terminal.attachCustomKeyEventHandler((event) => this.#key(event));
	}

	get cols(): number {
		return this.#terminal.cols;
	}

	get rows(): number {
		return this.#terminal.rows;
	}

	/** The shell waits for a command: it has asked for pastes to be marked, as bash does at its prompt. */
	get atPrompt(): boolean {
		return this.#terminal.modes.bracketedPasteMode && !this.fullScreen;
	}

	/** A program such as an editor has the whole screen. */
	get fullScreen(): boolean {
		return this.#terminal.buffer.active.type === "alternate";
	}

	get hasFocus(): boolean {
		return this.#container?.contains(document.activeElement) ?? false;
	}

	/** Shows the screen in the element as soon as that has a size; null takes it away. */
	attach(container: HTMLElement | null): void {
		if (container === this.#container) return;
		this.#observer?.disconnect();
		this.#observer = null;
		this.#container = container;
		if (!container || this.#disposed) return;
		if (this.#opened && this.#terminal.element) container.append(this.#terminal.element);
		this.#observer = new ResizeObserver(() => this.#later());
		this.#observer.observe(container);
	}

	/** Every write calls back once it is parsed, in their order. */
	write(data: Uint8Array, parsed: () => void): void {
		const write = () => this.#terminal.write(data, parsed);
		if (!this.#wide && data.some(newer)) {
			this.#wide = true;
			this.#waiting = [];
			void this.#widths();
		}
		if (this.#waiting) this.#waiting.push(write);
		else write();
	}

	/** Begins anew. */
	clear(): void {
		this.write(reset, () => {});
	}

	focus(): void {
		// What is not to be seen yet cannot have it: it gets it with its size.
		if (this.#opened && this.#container?.clientWidth) this.#terminal.focus();
		else this.#wantsFocus = true;
	}

	paste(text: string): void {
		this.#terminal.paste(text);
	}

	get selection(): string {
		return this.#terminal.getSelection();
	}

	/** Takes another viewer's size. */
	follow(cols: number, rows: number): void {
		this.#follows = true;
		this.#terminal.resize(Math.max(2, cols), Math.max(1, rows));
	}

	/** Takes the size that the place has. */
	lead(): void {
		this.#follows = false;
		this.#later();
	}

	setStyle(size: number, reader: boolean): void {
		const { options } = this.#terminal;
		options.theme = readTheme();
		options.fontFamily = readFont();
		options.fontSize = scaled(size);
		options.screenReaderMode = reader;
		this.#later();
	}

	/** Whether keys do anything. Where they do not, Tab leads on. */
	setInput(on: boolean): void {
		this.#terminal.options.disableStdin = !on;
	}

	/** What a screen reader says on the way in. */
	setLabel(label: string, tooMuch: string): void {
		this.#label = label;
		Terminal.strings.promptLabel = label;
		Terminal.strings.tooMuchOutput = tooMuch;
		this.#terminal.textarea?.setAttribute("aria-label", label);
	}

	dispose(): void {
		this.#disposed = true;
		this.attach(null);
		cancelAnimationFrame(this.#frame);
		this.#webgl?.dispose();
		this.#webgl = null;
		this.#terminal.dispose();
	}

	async #widths(): Promise<void> {
		try {
			const { Unicode11Addon } = await import("@xterm/addon-unicode11");
			if (this.#disposed) return;
			this.#terminal.loadAddon(new Unicode11Addon());
			this.#terminal.unicode.activeVersion = "11";
		} catch {
			// xterm's own table knows Hangul; only newer emoji are too narrow.
		}
		const waiting = this.#waiting;
		this.#waiting = null;
		if (!this.#disposed) for (const write of waiting ?? []) write();
	}

	#later(): void {
		cancelAnimationFrame(this.#frame);
		this.#frame = requestAnimationFrame(() => this.#settle());
	}

	#settle(): void {
		const container = this.#container;
		if (!container || this.#disposed) return;
		// Out of sight there is no size to take, and xterm cannot measure its letters.
		if (container.clientWidth === 0 || container.clientHeight === 0) {
			this.#dim();
			return;
		}
		if (!this.#opened) {
			this.#opened = true;
			this.#terminal.open(container);
			this.#terminal.textarea?.setAttribute("aria-label", this.#label);
		}
		if (this.#wantsFocus) this.#terminal.focus();
		this.#wantsFocus = false;
		void this.#accelerate();
		if (this.#follows) return;
		const size = this.#fit.proposeDimensions();
		if (!size || !(size.cols > 1) || !(size.rows > 0)) return;
		const cols = Math.min(size.cols, maxCols);
		const rows = Math.min(size.rows, maxRows);
		if (cols !== this.cols || rows !== this.rows) this.#terminal.resize(cols, rows);
		this.#events.size(cols, rows);
	}

	/** Draws by WebGL, where the machine has a graphics processor for it. */
	async #accelerate(): Promise<void> {
		if (this.#webgl || this.#noWebgl || !hasGraphics()) return;
		this.#noWebgl = true; // one try at a time
		try {
			const { WebglAddon } = await import("@xterm/addon-webgl");
			if (this.#disposed) return;
			const addon = new WebglAddon();
			addon.onContextLoss(() => {
				// Whoever took it will take it again: letters in the page do, too.
				addon.dispose();
				this.#webgl = null;
				this.#noWebgl = true;
			});
			this.#terminal.loadAddon(addon);
			this.#webgl = addon;
			this.#noWebgl = false;
		} catch {
			// No WebGL 2, or not for this page.
		}
	}

	/** A browser gives a page few graphics contexts: a screen that is not seen needs none. */
	#dim(): void {
		this.#webgl?.dispose();
		this.#webgl = null;
	}

	/** False leaves the key to the page. */
	#key(event: KeyboardEvent): boolean {
		const { ctrlKey, shiftKey, altKey, metaKey, code } = event;
		// The way out; all else is the shell's, Escape and Tab too.
		if (code === "F6" && !ctrlKey && !altKey && !metaKey) return false;
		if (code === "Tab" && this.#terminal.options.disableStdin) return false;
		if (!ctrlKey || !shiftKey || altKey || metaKey) return true;
		// The browser pastes by itself, and may without a secure origin.
		if (code === "KeyV") return false;
		if (code !== "KeyC") return true;
		if (event.type === "keydown") {
			event.preventDefault(); // of the browser's developer tools
			const text = this.selection;
			if (text) void copyText(text);
		}
		return false;
	}
}

let graphics: boolean | undefined;

/** WebGL in software is slower than the page's own letters. */
function hasGraphics(): boolean {
	if (graphics === undefined) {
		const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
		const info = context?.getExtension("WEBGL_debug_renderer_info");
		const name = info ? context?.getParameter(info.UNMASKED_RENDERER_WEBGL) : context?.getParameter(context.RENDERER);
		graphics = context !== null && !/swiftshader|llvmpipe|software|basic render/i.test(String(name));
		context?.getExtension("WEBGL_lose_context")?.loseContext();
	}
	return graphics;
}
