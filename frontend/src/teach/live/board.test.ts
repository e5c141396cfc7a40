import { describe, expect, it } from "vitest";
import type { Board, Class, Grid, Help, Row } from "../../api/classes";
import { asked, busiest, byNeed, cellOf, held, pace, reduceGrid, stopwatch } from "./board";
import { row } from "./samples";

const help = (member: string): Help => ({
	member,
	reason: "long",
	text: "",
	since: "",
	lab: "one",
	step: "a",
	score: 1,
});
const board: Board = { help: [], hands: [], funnel: {}, causes: [], online: 0, joined: 0, broadcast: null, faults: [] };
const grid = (rows: Row[]): Grid => ({ class: {} as Class, rows, board, messages: [], now: "" });

describe("reduceGrid", () => {
	it("knows nothing before the whole has come", () => {
		expect(reduceGrid(null, { name: "rows", data: { rows: [row("a")] } })).toBeNull();
	});

	it("keeps the causes where the board comes without", () => {
		const causes = [{} as Board["causes"][number]];
		const first = reduceGrid(grid([]), { name: "board", data: { ...board, causes } });
		const then = reduceGrid(first, { name: "board", data: { ...board, online: 3, causes: null } });
		expect(then?.board.causes).toBe(causes);
		expect(then?.board.online).toBe(3);
	});

	it("takes each message once, however often it comes", () => {
		const message = (id: string) => ({ id, at: "", from: "Kim", text: id, to: {}, reached: 1 });
		let now: Grid | null = grid([]);
		for (const id of ["1", "2", "2", "1", "3"]) now = reduceGrid(now, { name: "message", data: message(id) });
		expect(now?.messages.map((one) => one.id)).toEqual(["1", "2", "3"]);
	});

	it("replaces, adds and takes out rows, and leaves the others the same objects", () => {
		const [a, b] = [row("a"), row("b")];
		const changed = { ...b, step: "next" };
		const after = reduceGrid(grid([a, b, row("c")]), {
			name: "rows",
			data: { rows: [changed, row("c", { gone: true }), row("d")] },
		});
		expect(after?.rows.map((r) => r.member)).toEqual(["a", "b", "d"]);
		expect(after?.rows[0]).toBe(a);
		expect(after?.rows[1]).toBe(changed);
	});

	it("begins anew with a whole", () => {
		const whole = grid([row("z")]);
		expect(reduceGrid(grid([row("a")]), { name: "grid", data: whole })).toBe(whole);
	});
});

describe("the order of the rows", () => {
	it("has first who needs help, as the server ranks it, then all others by name", () => {
		const rows = ["d", "c", "b", "a"].map((name) => row(name));
		expect(byNeed(rows, [help("c"), help("d")])).toEqual(["c", "d", "a", "b"]);
	});

	it("counts numbers in names as numbers", () => {
		expect(byNeed([row("Learner 10"), row("Learner 9")], [])).toEqual(["Learner 9", "Learner 10"]);
	});

	it("stays while somebody points into it, but for who comes and goes", () => {
		expect(held(["a", "b", "c"], ["c", "d", "a"])).toEqual(["a", "c", "d"]);
	});
});

describe("a class", () => {
	it("is in the lab in which most are", () => {
		const labs = ["one", "two"].map((name) => ({ name, title: name, minutes: 1, steps: [], faults: [] }));
		expect(busiest(labs, [row("a"), row("b", { lab: "two" }), row("c", { lab: "two" })])).toBe("two");
		expect(busiest(labs, [])).toBe("one");
		expect(busiest([], [])).toBe("");
	});

	it("has a blank cell for a lab that nobody has opened", () => {
		expect(cellOf(row("a"), "one", 3)).toEqual({ state: "none" });
	});
});

it("calls slow what takes twice the median, and long what takes three times, but not in the first minute", () => {
	expect(pace(59, 10)).toBe("usual");
	expect(pace(119, 60)).toBe("usual");
	expect(pace(120, 60)).toBe("slow");
	expect(pace(180, 60)).toBe("long");
	expect(pace(900, null)).toBe("usual");
});

it("tells times as a stopwatch does", () => {
	expect([0, 42.9, 725, 3720].map(stopwatch)).toEqual(["0:00", "0:42", "12:05", "1:02:00"]);
});

describe("asked", () => {
	const people = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `m${from + i}`);

	it("stays as it is while it has all that is on the screen, and not far too many", () => {
		const before = asked([], people(0, 30));
		expect(asked(before, people(0, 30))).toBe(before);
		expect(asked(before, people(6, 30))).toBe(before);
		expect(asked(before, people(6, 36))).toEqual(people(6, 36));
		expect(asked(before, people(0, 5))).toEqual(people(0, 5));
	});

	it("ends with the last one, and is never more than the server takes", () => {
		expect(asked(people(0, 30), [])).toEqual([]);
		expect(asked([], people(0, 200))).toEqual(people(0, 100));
		const most = asked([], people(0, 200));
		expect(asked(most, people(0, 200))).toBe(most);
	});
});
