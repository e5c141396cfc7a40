import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Board, Class, Grid, Row } from "../../api/classes";
import { setLanguage } from "../../state/prefs";
import { row } from "./samples";
import { ClassStore } from "./store";

class Source extends EventTarget {
	static all: Source[] = [];
	closed = false;
	constructor(readonly url: string) {
		super();
		Source.all.push(this);
	}
	close() {
		this.closed = true;
	}
	say(name: string, data: unknown, lastEventId = "") {
		this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }));
	}
}

const board: Board = { help: [], hands: [], funnel: {}, causes: [], online: 0, joined: 0, broadcast: null, faults: [] };
const lab = { name: "one", title: "One", minutes: 1, steps: [], faults: [] };
const grid = (rows: Row[], help: Board["help"] = []): Grid => ({
	class: { id: "c", catalog: [lab] } as unknown as Class,
	rows,
	board: { ...board, help },
	messages: [],
	now: "",
});
const need = (member: string) =>
	({ member, reason: "long", text: "", since: "", lab: "one", step: "", score: 1 }) as const;

let store: ClassStore;
const last = () => Source.all.at(-1) as Source;
const drawn = () => vi.advanceTimersByTime(100);

beforeEach(() => {
	vi.useFakeTimers();
	setLanguage("en");
	localStorage.clear();
	Source.all = [];
	store = new ClassStore("c", { source: Source as unknown as new (url: string) => EventSource });
});
afterEach(() => {
	store.dispose();
	vi.useRealTimers();
});

describe("ClassStore", () => {
	it("shows a burst of events at once, and every learner as a signal of its own", () => {
		last().say("grid", grid([row("a"), row("b")]), "e-1");
		expect(store.grid.value).toBeNull();
		drawn();
		const [a, b] = [store.row("a"), store.row("b")];
		const before = b?.value;
		last().say("rows", { rows: [row("a", { step: "x" })] }, "e-2");
		last().say("rows", { rows: [row("a", { step: "y" })] }, "e-3");
		drawn();
		expect(a?.value.step).toBe("y");
		expect(b?.value).toBe(before);
	});

	it("goes on behind the last event after a lost connection, and begins anew in another language", () => {
		last().say("grid", grid([row("a")]), "e-7");
		store.reconnect();
		expect(last().url).toContain("after=e-7");
		setLanguage("ko");
		expect(last().url).not.toContain("after");
		expect(last().url).toContain("lang=ko");
	});

	it("asks for networks only of those on the screen, and of the lab that is shown", () => {
		const two = { ...lab, name: "two" };
		const value = grid([row("a")]);
		last().say("grid", { ...value, class: { ...value.class, catalog: [lab, two] } }, "e-7");
		drawn();
		expect(last().url).not.toContain("thumbs");
		store.onScreen.value = ["a", "b"];
		expect(last().url).toContain("thumbs=one&of=a,b");
		expect(last().url).toContain("after=e-7");
		const open = Source.all.length;
		last().say("rows", { rows: [row("a", { step: "x" })] }, "e-8");
		drawn();
		expect(Source.all.length).toBe(open);
		// Fewer of them are no reason for another stream, others are.
		store.onScreen.value = ["b"];
		expect(Source.all.length).toBe(open);
		store.onScreen.value = ["b", "c"];
		expect(last().url).toContain("thumbs=one&of=b,c");
		store.chooseLab("two");
		expect(last().url).toContain("thumbs=two&of=b,c");
		store.onScreen.value = [];
		expect(last().url).not.toContain("thumbs");
		expect(Source.all.filter((source) => !source.closed)).toEqual([last()]);
	});

	it("keeps the order while somebody points into it, and catches up with it then", () => {
		last().say("grid", grid([row("a"), row("b")]));
		drawn();
		store.steady.value = true;
		last().say("board", { ...board, help: [need("b")] });
		drawn();
		expect(store.order.value).toEqual(["a", "b"]);
		expect(store.stale.value).toBe(true);
		store.steady.value = false;
		expect(store.order.value).toEqual(["b", "a"]);
		expect(store.stale.value).toBe(false);
	});

	it("draws nothing anew where nothing changed its place", () => {
		last().say("grid", grid([row("a"), row("b")]));
		drawn();
		const order = store.order.value;
		last().say("rows", { rows: [row("b", { onStepSeconds: 9 })] });
		drawn();
		expect(store.order.value).toBe(order);
	});

	it("calls learners by numbers that stay the same while names are hidden", () => {
		last().say("grid", grid([row("a", { name: "Somebody" }), row("b")]));
		drawn();
		expect(store.nameOf("a")).toBe("Somebody");
		store.anonymous.value = true;
		expect([store.nameOf("a"), store.nameOf("b")]).toEqual(["#1", "#2"]);
		last().say("board", { ...board, help: [need("b")] });
		drawn();
		expect(store.nameOf("a")).toBe("#1");
	});
});
