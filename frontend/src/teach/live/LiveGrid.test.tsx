import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Cell, Class, Grid } from "../../api/classes";
import { route } from "../../router";
import { setLanguage } from "../../state/prefs";
import { LiveGrid } from "./LiveGrid";
import { row } from "./samples";
import { ClassStore } from "./store";

class Source extends EventTarget {
	static last: Source;
	constructor() {
		super();
		Source.last = this;
	}
	close() {}
	say(name: string, data: unknown) {
		this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
	}
}

const steps = ["look", "up", "talk"].map((id) => ({ id, title: id, checks: [] }));
const cells: Cell[] = [
	{ state: "passed", seconds: 65, hints: 2, revealed: true },
	{ state: "failed", fails: 4, why: "no route back" },
	{ state: "none" },
];
const grid: Grid = {
	class: { id: "c", catalog: [{ name: "one", title: "One", minutes: 1, steps, faults: [] }] } as unknown as Class,
	rows: [row("a", { step: "up", onStepSeconds: 300, cells: { one: cells } }), row("b")],
	board: {
		help: [
			{
				member: "a",
				reason: "same-check",
				text: "4 times the same check",
				since: "",
				lab: "one",
				step: "up",
				score: 9,
			},
		],
		hands: [],
		funnel: {
			one: steps.map(({ id }) => ({ step: id, reached: 1, trying: 0, failed: 1, passed: 0, medianSeconds: 100 })),
		},
		causes: [],
		online: 2,
		joined: 2,
		broadcast: null,
		faults: [],
	},
	messages: [],
	now: "",
};

let store: ClassStore;
const root = document.createElement("div");
const cell = (member: string, column: number) =>
	root.querySelectorAll<HTMLElement>(`[data-member=${member}] > *`)[column] as HTMLElement;
const press = (key: string) =>
	document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

beforeEach(async () => {
	vi.useFakeTimers();
	setLanguage("en");
	document.body.append(root);
	store = new ClassStore("c", { source: Source as unknown as new (url: string) => EventSource });
	Source.last.say("grid", grid);
	vi.advanceTimersByTime(100);
	await act(() => render(<LiveGrid store={store} />, root));
});
afterEach(() => {
	render(null, root);
	root.remove();
	store.dispose();
	vi.useRealTimers();
});

describe("LiveGrid", () => {
	it("tells each cell in words, whatever its colour", () => {
		expect(cell("a", 1).querySelector(".offscreen")?.textContent).toBe(
			"a, Step 1: look: passed, 2 hints used, solution revealed, in 1:05",
		);
		expect(cell("a", 2).querySelector(".offscreen")?.textContent).toBe("a, Step 2: up: failed 4 times, for 5:00");
		expect(cell("b", 3).querySelector(".offscreen")?.textContent).toBe("b, Step 3: talk: not started");
	});

	it("gives each state a form of its own", () => {
		const shapes = [1, 2, 3].map((i) => cell("a", i).querySelector("path")?.getAttribute("d"));
		expect(new Set(shapes).size).toBe(3);
		expect(cell("a", 2).textContent).toContain("×4");
	});

	it("says why somebody needs help, and how the time stands to the median", () => {
		expect(cell("a", 0).textContent).toContain("4 times the same check");
		expect(cell("a", 4).querySelector(".offscreen")?.textContent).toBe("5:00 on this step; the class's median is 1:40");
		expect(cell("a", 4).textContent).toContain("3.0×");
	});

	it("has one cell in the order of Tab, from which arrows lead on, and Enter opens the learner's page", () => {
		const reachable = root.querySelectorAll<HTMLElement>('[role=grid] [tabindex="0"]');
		expect(reachable).toHaveLength(1);
		reachable[0]?.focus();
		press("ArrowRight");
		press("ArrowRight");
		expect(document.activeElement).toBe(cell("a", 2));
		press("ArrowDown");
		expect(document.activeElement).toBe(cell("b", 2));
		press("End");
		expect(document.activeElement).toBe(cell("b", 4));
		press("ArrowUp");
		press("Home");
		expect(document.activeElement).toBe(cell("a", 0));
		expect(root.querySelectorAll('[role=grid] [tabindex="0"]')).toHaveLength(1);
		press("Enter");
		expect(route.value).toEqual({ name: "teach", path: ["c", "learner", "a"] });
	});
});
