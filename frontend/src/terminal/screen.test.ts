import { Terminal } from "@xterm/xterm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Screen } from "./screen";

const encoder = new TextEncoder();
let screen: Screen;
let sent: Array<string | Uint8Array>;
let terminals: Terminal[];

const write = (text: string | Uint8Array) =>
	new Promise<void>((parsed) => screen.write(typeof text === "string" ? encoder.encode(text) : text, parsed));

/** The terminal inside, which only a test may see. */
const inner = () => terminals[0] as Terminal;
const line = (n: number) => inner().buffer.active.getLine(n)?.translateToString(true);

beforeEach(() => {
	sent = [];
	terminals = [];
	const load = Terminal.prototype.loadAddon;
	vi.spyOn(Terminal.prototype, "loadAddon").mockImplementation(function (this: Terminal, addon) {
		if (!terminals.includes(this)) terminals.push(this);
		load.call(this, addon);
	});
	screen = new Screen({ data: (data) => sent.push(data), size: () => {} }, 40, 5);
});
afterEach(() => screen.dispose());

describe("a screen", () => {
	it("gives Hangul two cells, and newer emoji too", async () => {
		await write("한글");
		expect(inner().unicode.activeVersion).toBe("6");
		expect(inner().buffer.active.cursorX).toBe(4);
		await Promise.all([write("|😀"), write("|")]);
		expect(inner().unicode.activeVersion).toBe("11");
		expect(inner().buffer.active.cursorX).toBe(8);
		expect(line(0)).toBe("한글|😀|");
	});

	it("takes Hangul that is cut between two writes", async () => {
		const bytes = encoder.encode("한");
		await write(bytes.slice(0, 2));
		await write(bytes.slice(2));
		expect(line(0)).toBe("한");
	});

	it("lets a program write no clipboard, make no links, and name no window", async () => {
		document.title = "mine";
		await write("\x1b]0;stolen\x07\x1b]2;stolen\x07\x1b]1;stolen\x07");
		expect(document.title).toBe("mine");
		await write("\x1b]52;c;aGVsbG8=\x07\x1b]52;c;?\x07\x1b]8;;https://example.test/\x07text\x1b]8;;\x07");
		expect(line(0)).toBe("text");
		expect(sent).toEqual([]);
		// xterm marks the cells of a link as underlined.
		expect(inner().buffer.active.getLine(0)?.getCell(0)?.isUnderline()).toBe(0);
		await write("\x1b[21t\x1b[14t");
		expect(sent).toEqual([]);
	});

	it("begins anew in its turn, even inside of a sequence or a character", async () => {
		await write("old\r\n".repeat(20));
		const before = write(encoder.encode("lost \x1b]0;cut").slice());
		screen.clear();
		await Promise.all([before, write("new")]);
		expect(line(0)).toBe("new");
		expect(inner().buffer.active.length).toBe(5);
		await write(Uint8Array.of(0xed, 0x95));
		screen.clear();
		await write("한");
		expect(line(0)).toBe("한");
	});

	it("knows a prompt from a program, and from one that fills the screen", async () => {
		expect(screen.atPrompt).toBe(false);
		await write("\x1b[?2004h");
		expect([screen.atPrompt, screen.fullScreen]).toEqual([true, false]);
		await write("\x1b[?1049h");
		expect([screen.atPrompt, screen.fullScreen]).toEqual([false, true]);
		await write("\x1b[?1049l\x1b[?2004l");
		expect([screen.atPrompt, screen.fullScreen]).toEqual([false, false]);
	});

	it("answers a program that asks where the cursor is", async () => {
		await write("ab\x1b[6n");
		expect(sent).toEqual(["\x1b[1;3R"]);
	});

	it("takes another viewer's size", () => {
		screen.follow(100, 30);
		expect([screen.cols, screen.rows]).toEqual([100, 30]);
	});
});
