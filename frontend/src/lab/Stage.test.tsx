import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../api/types";
import { setLanguage } from "../state/prefs";
import { emptyView } from "../state/view";
import { Banners } from "./Banners";
import { Stage, sceneOf } from "./Stage";
import { LabStore } from "./store";

const session: Session = {
	id: "s",
	lab: "switching",
	createdAt: "",
	expiresAt: "2100-01-01T00:00:00Z",
	state: "ready",
	hosts: [],
	terminals: [],
	steps: [],
};
const root = document.createElement("div");
const find = (id: string) => root.querySelector<HTMLElement>(`[data-testid="${id}"]`);
let store: LabStore;
let asked: string[];

beforeEach(() => {
	setLanguage("en");
	asked = [];
	vi.stubGlobal(
		"EventSource",
		class extends EventTarget {
			close() {}
		},
	);
	vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
		asked.push(`${init.method} ${url.split("?")[0]}`);
		return new Response(JSON.stringify(url.includes("/labs/") ? { name: "switching", steps: [] } : session));
	});
	document.body.append(root);
	store = new LabStore("switching");
});
afterEach(() => {
	render(null, root);
	root.remove();
	store.dispose();
	vi.unstubAllGlobals();
});

const opened = () => vi.waitFor(() => expect(store.phase.value.kind).toBe("open"));
const inState = (part: Partial<Session>) => {
	store.view.value = { ...store.view.peek(), session: { ...session, ...part } };
};

it("gives way once the session is ready", async () => {
	store.dispose();
	store = new LabStore("switching");
	expect(sceneOf(store)).toBe("opening");
	await opened();
	expect(sceneOf(store)).toBeNull();
	inState({ state: "resetting" });
	expect(sceneOf(store)).toBe("resetting");
	inState({ state: "ended" });
	expect(sceneOf(store)).toBe("ended");
});

it("says the place in the queue, and how long it may take", () => {
	store.phase.value = { kind: "queued", place: 3, estimateSeconds: 240, text: "" };
	render(<Stage store={store} scene="queued" />, root);
	expect(find("stage-queued")?.textContent).toContain("There are 2 before you in the queue.");
	expect(find("stage-queued")?.textContent).toContain("4\u00a0min");
});

it("opens an ended lab again", async () => {
	await opened();
	inState({ state: "ended" });
	render(<Stage store={store} scene="ended" />, root);
	asked = [];
	find("reopen")?.click();
	expect(asked).toEqual(["POST /api/sessions"]);
	await vi.waitFor(() => expect(sceneOf(store)).toBeNull());
});

it("warns before the session ends, and extends it", async () => {
	await opened();
	render(<Banners store={store} />, root);
	expect(find("expires-soon")).toBeNull();
	inState({ expiresAt: new Date(Date.now() + 90_000).toISOString() });
	await vi.waitFor(() => expect(find("expires-soon")?.textContent).toContain("1\u00a0min"));
	expect(find("expires-soon")?.getAttribute("role")).toBe("alert");
	asked = [];
	find("extend")?.click();
	expect(asked).toEqual(["POST /api/sessions/s/extend"]);
	await vi.waitFor(() => expect(find("expires-soon")).toBeNull());
});

it("shows how far catching up has come, and a failure until it is dismissed", async () => {
	await opened();
	render(<Banners store={store} />, root);
	const progress = { what: "catch-up", step: "up", done: 1, total: 3 } as const;
	store.view.value = { ...emptyView, session, progress };
	await vi.waitFor(() => expect(root.querySelector("progress")?.value).toBe(1));
	store.view.value = { ...emptyView, session, progress: { ...progress, error: "The step up did not pass." } };
	await vi.waitFor(() => expect(root.textContent).toContain("The step up did not pass."));
	root.querySelector<HTMLElement>("[aria-label=Dismiss]")?.click();
	await vi.waitFor(() => expect(root.textContent).toBe(""));
});
