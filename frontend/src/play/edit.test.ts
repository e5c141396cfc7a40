import { describe, expect, it } from "vitest";
import { type Edit, enter, lineOfNode, offsetOf, tab } from "./edit";

/** Applies an edit to a text in which | marks the caret, or < and > the selection. */
function on(marked: string, edit: (text: string, start: number, end: number) => Edit | null): string {
	const start = marked.search(/[|<]/);
	const text = marked.replace(/[|<>]/g, "");
	const end = marked.includes(">") ? marked.indexOf(">") - 1 : start;
	const done = edit(text, start, end);
	if (!done) return marked;
	const after = text.slice(0, done.from) + done.insert + text.slice(done.to);
	return done.start === done.end
		? `${after.slice(0, done.start)}|${after.slice(done.start)}`
		: `${after.slice(0, done.start)}<${after.slice(done.start, done.end)}>${after.slice(done.end)}`;
}
const forth = (text: string, start: number, end: number) => tab(text, start, end, false);
const back = (text: string, start: number, end: number) => tab(text, start, end, true);

describe("tab", () => {
	it("goes to the next column of the indentation", () => {
		expect(on("|a", forth)).toBe("  |a");
		expect(on("x\n a|", forth)).toBe("x\n a  |");
		expect(on("x\n |a", forth)).toBe("x\n  |a");
		expect(on("a<bc>d", forth)).toBe("a |d");
	});
	it("moves every line that is selected, and no other", () => {
		expect(on("a\n<b\n\nc>\nd", forth)).toBe("a\n  <b\n\n  c>\nd");
		expect(on("<a\n>b", forth)).toBe("  <a\n>b");
	});
	it("takes an indentation away", () => {
		expect(on("    a|", back)).toBe("  a|");
		expect(on(" |a", back)).toBe("|a");
		expect(on("a|", back)).toBe("a|");
		expect(on("<  a\n b\nc>", back)).toBe("<a\nb\nc>");
		expect(on("x\n|  a", back)).toBe("x\n|a");
	});
});

describe("enter", () => {
	it("keeps the indentation, and adds one behind a colon", () => {
		expect(on("  - a|", enter)).toBe("  - a\n  |");
		expect(on("  A:|", enter)).toBe("  A:\n    |");
		expect(on("a<b\nc>d", enter)).toBe("a\n|d");
	});
});

describe("offsetOf", () => {
	it("counts lines and columns from 1, and characters that are two units as one", () => {
		const text = "ab\n가\u{1f600}c\nd";
		expect(offsetOf(text, 1, 1)).toBe(0);
		expect(offsetOf(text, 2, 3)).toBe(6);
		expect(offsetOf(text, 3, 1)).toBe(8);
		expect(offsetOf(text, 1, 99)).toBe(2);
		expect(offsetOf(text, 99, 1)).toBe(text.length);
	});
});

describe("lineOfNode", () => {
	it("finds where a host or switch is written", () => {
		const text = 'hosts:\n  A: {}\n  "B-1":\n    at: [0, 0]\nswitches: {sw: {}}\nlinks: [[A:eth0, sw]]\n';
		expect(["A", "B-1", "sw", "C"].map((name) => lineOfNode(text, name))).toEqual([2, 3, 5, 0]);
		expect(lineOfNode("hosts: {A: {}, B: {}}", "A")).toBe(1);
	});
});
