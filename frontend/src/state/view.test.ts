import { describe, expect, it } from "vitest";
import type { Session } from "../api/types";
import { blankStep, emptyView, reduce, type View } from "./view";

const session: Session = {
	id: "s",
	lab: "switching",
	createdAt: "2026-01-01T00:00:00Z",
	expiresAt: "2026-01-01T01:00:00Z",
	state: "ready",
	hosts: [
		{ name: "A", state: "up" },
		{ name: "B", state: "up" },
	],
	terminals: [],
	steps: [blankStep("one")],
};
const network = { version: 1, at: "", nodes: {} };
it("goes on while the network stands still", () => {
	const notice = { kind: "slowed" as const, text: "…", expiresAt: "2026-01-01T00:00:00Z" };
	const after = reduce(open, { name: "notice", data: notice });
	expect(after.session?.state).toBe(open.session?.state);
	expect(after.passing).toBe(notice);
	expect(after.notice).toBeNull();
});

const open: View = reduce(emptyView, { name: "session", data: session });
const soon = { kind: "expires-soon", text: "", expiresAt: "2026-01-01T00:30:00Z" } as const;

describe("reduce", () => {
	it("replaces a step, and adds one that is new", () => {
		const one = reduce(open, { name: "step", data: { ...blankStep("one"), passed: true } });
		expect(one.session?.steps.map((s) => s.passed)).toEqual([true]);
		const two = reduce(one, { name: "step", data: blankStep("two") });
		expect(two.session?.steps.map((s) => s.id)).toEqual(["one", "two"]);
	});

	it("changes the host that an event names", () => {
		const view = reduce(open, { name: "host", data: { name: "B", state: "rebooting" } });
		expect(view.session?.hosts.map((h) => h.state)).toEqual(["up", "rebooting"]);
	});

	it("remembers an outage that is over", () => {
		const view = (["rebooting", "up"] as const).reduce(
			(v, state) => reduce(v, { name: "host", data: { name: "B", state } }),
			open,
		);
		expect(view.session?.hosts[1]).toEqual({ name: "B", state: "up", outages: 1 });
	});

	it("drops the network of a session that is being reset, and of another one", () => {
		const drawn = reduce(open, { name: "state", data: network });
		expect(drawn.network).toBe(network);
		expect(reduce(drawn, { name: "session", data: session }).network).toBe(network);
		expect(reduce(drawn, { name: "session", data: { ...session, state: "resetting" } }).network).toBeNull();
		expect(reduce(drawn, { name: "session", data: { ...session, id: "t" } }).network).toBeNull();
	});

	it("keeps progress until it is complete, and shows its error", () => {
		const progress = { what: "catch-up", step: "one", done: 1, total: 2 } as const;
		const under = reduce(open, { name: "progress", data: progress });
		expect(under.progress).toEqual(progress);
		expect(reduce(under, { name: "progress", data: { ...progress, done: 2 } }).progress).toBeNull();
		expect(reduce(under, { name: "progress", data: { ...progress, done: 2, error: "no" } }).progress?.error).toBe("no");
	});

	it("takes the warning away when the session was extended", () => {
		const warned = reduce(open, { name: "notice", data: soon });
		expect(warned.session?.expiresAt).toBe(soon.expiresAt);
		const extended = reduce(warned, { name: "session", data: { ...session, expiresAt: "2026-01-01T02:00:00Z" } });
		expect(extended.notice).toBeNull();
	});

	it("ends the session by a notice", () => {
		const ended = reduce(open, { name: "notice", data: { ...soon, kind: "ended" } });
		expect(ended.session?.state).toBe("ended");
	});
});
