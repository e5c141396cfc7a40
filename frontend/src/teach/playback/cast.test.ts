import { describe, expect, it } from "vitest";
import { advance, countUntil, parseCast } from "./cast";

const header = '{"version": 3, "term": {"cols": 100, "rows": 30}}';
const file = (...lines: string[]) => [header, ...lines].join("\n");

describe("parseCast", () => {
	it("counts the intervals of version 3 up", () => {
		const cast = parseCast(file('[0.5, "o", "a"]', '[1.5, "m", "up"]', '[0, "r", "120x40"]', '[2, "x", "0"]', ""));
		expect(cast).toMatchObject({ cols: 100, rows: 30, length: 4 });
		expect(cast?.events).toEqual([
			{ at: 0.5, kind: "output", text: "a" },
			{ at: 2, kind: "mark", label: "up" },
			{ at: 2, kind: "size", cols: 120, rows: 40 },
		]);
	});

	it("reads what is there of a recording that was cut off, and nothing of other files", () => {
		expect(parseCast(file('[1, "o", "a"]', '[1, "o", "b'))?.events).toHaveLength(1);
		expect(parseCast(file("# a comment", '[-1, "o", "a"]', '["1", "o", "a"]'))?.events).toEqual([]);
		expect(parseCast('{"version": 2}')).toBeNull();
		expect(parseCast("<html>")).toBeNull();
	});
});

it("finds the events until a time", () => {
	const events = [{ at: 1 }, { at: 2 }, { at: 2 }, { at: 5 }];
	expect([0, 1, 2, 4.9, 9].map((at) => countUntil(events, at))).toEqual([0, 1, 3, 3, 4]);
});

describe("advance", () => {
	const cast = parseCast(file('[1, "o", "a"]', '[60, "o", "b"]', '[1, "o", "c"]'));
	if (!cast) throw new Error("no cast");

	it("goes by the speed, to the end at most", () => {
		expect(advance(cast, 0, 0.5, 1)).toBe(0.5);
		expect(advance(cast, 0, 0.25, 4)).toBe(1);
		expect(advance(cast, 61.5, 10, 8)).toBe(62);
	});

	it("waits no longer than two seconds where nothing happens", () => {
		expect(advance(cast, 2, 0.5, 1)).toBe(2.5);
		expect(advance(cast, 3, 0.05, 1)).toBe(61);
	});
});
