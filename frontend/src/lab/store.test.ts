import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Session } from "../api/types";
import { setLanguage } from "../state/prefs";
import { blankStep } from "../state/view";
import { LabStore } from "./store";

const session: Session = {
	id: "s",
	lab: "switching",
	createdAt: "",
	expiresAt: "2100-01-01T00:00:00Z",
	state: "ready",
	hosts: [],
	terminals: [],
	steps: [{ ...blankStep("one"), passed: true }, blankStep("two")],
};
const lab = { name: "switching", title: "Switching", steps: ["one", "two"].map((id) => ({ id, title: id })) };

type Reply = [status: number, body: unknown];
/** What the server answers, by "METHOD path". */
let replies: Record<string, Reply>;
let store: LabStore;
/** The stream of events that the store listens to. */
let events: EventTarget;

beforeEach(() => {
	vi.useFakeTimers();
	setLanguage("en");
	replies = {
		"GET /api/labs/switching": [200, lab],
		"POST /api/sessions": [201, session],
	};
	vi.stubGlobal(
		"EventSource",
		class extends EventTarget {
			constructor() {
				super();
				events = this;
			}
			close() {}
		},
	);
	vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
		const reply = replies[`${init.method} ${url.split("?")[0]}`];
		if (!reply) throw new TypeError(`nothing at ${init.method} ${url}`);
		return new Response(reply[1] === null ? null : JSON.stringify(reply[1]), { status: reply[0] });
	});
});
afterEach(() => {
	store.dispose();
	vi.unstubAllGlobals();
	vi.useRealTimers();
});

const opened = async () => {
	store = new LabStore("switching");
	await vi.advanceTimersByTimeAsync(0);
	return store;
};

describe("LabStore", () => {
	it("opens the lab and knows the step to go on with", async () => {
		await opened();
		expect(store.phase.value.kind).toBe("open");
		expect(store.usable.value).toBe(true);
		expect(store.passed.value).toBe(1);
		expect(store.current.value).toBe("two");
	});

	it("waits in the queue and opens by itself", async () => {
		replies["POST /api/sessions"] = [503, { title: "", status: 503, detail: "Full.", place: 2, estimateSeconds: 60 }];
		await opened();
		expect(store.phase.value).toMatchObject({ kind: "queued", place: 2 });
		replies["POST /api/sessions"] = [201, session];
		await vi.advanceTimersByTimeAsync(4000);
		expect(store.phase.value.kind).toBe("open");
	});

	it("shows what was refused, and takes it back with the next try", async () => {
		await opened();
		replies["POST /api/sessions/s/steps/two/check"] = [429, { title: "", status: 429, detail: "Too fast." }];
		expect(await store.check("two")).toBe(false);
		expect(store.problem.value).toBe("Too fast.");
		expect(store.pending.value.size).toBe(0);
		replies["POST /api/sessions/s/steps/two/check"] = [200, { ...blankStep("two"), passed: true }];
		expect(await store.check("two")).toBe(true);
		expect(store.problem.value).toBeNull();
		expect(store.current.value).toBe("");
	});

	it("keeps what an event said against an answer that it has overtaken", async () => {
		await opened();
		const tell = (name: string, data: unknown) =>
			events.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
		const steps = [{ ...blankStep("one"), passed: true, holds: false }, blankStep("two")];
		replies["POST /api/sessions/s/reset"] = [200, session];
		replies["POST /api/sessions/s/steps/two/check"] = [200, blankStep("two")];
		tell("session", { ...session, steps });
		tell("step", { ...blankStep("two"), passed: true });
		expect(await store.reset()).toBe(true);
		expect(await store.check("two")).toBe(true);
		expect(store.steps.value.map((step) => [step.passed, step.holds])).toEqual([
			[true, false],
			[true, null],
		]);
	});

	it("ends when the session is gone, and opens again with the next one", async () => {
		await opened();
		replies["POST /api/sessions/s/extend"] = [410, { title: "", status: 410, detail: "Ended." }];
		await store.extend();
		expect(store.session.value?.state).toBe("ended");
		expect(store.usable.value).toBe(false);
		replies["POST /api/sessions"] = [201, { ...session, id: "t" }];
		await store.open();
		expect(store.session.value?.id).toBe("t");
		expect(store.usable.value).toBe(true);
	});

	it("tells a lab that is not there from a server that is not", async () => {
		replies = {};
		await opened();
		expect(store.phase.value).toMatchObject({ kind: "failed", error: { offline: true } });
		expect(store.labError.value?.offline).toBe(true);
	});
});
