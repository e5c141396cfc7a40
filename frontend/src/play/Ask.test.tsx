import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LabStore } from "../lab/store";
import { setLanguage } from "../state/prefs";
import { Ask } from "./Ask";

const session = {
	id: "s",
	lab: "playground",
	createdAt: "",
	expiresAt: "2100-01-01T00:00:00Z",
	state: "ready",
	hosts: [
		{ name: "A", state: "up" },
		{ name: "B", state: "up" },
	],
	terminals: [],
	steps: [],
};
const root = document.createElement("div");
const find = <T extends HTMLElement>(id: string) => root.querySelector<T>(`[data-testid="${id}"]`) as T;
let store: LabStore;
let asked: string[];
let answer: { status: number; body: unknown };

beforeEach(async () => {
	setLanguage("en");
	asked = [];
	vi.stubGlobal(
		"EventSource",
		class extends EventTarget {
			close() {}
		},
	);
	vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
		if (url.includes("/labs/")) return new Response(JSON.stringify({ name: "playground", steps: [] }));
		if (!url.includes("/probe")) return new Response(JSON.stringify(session));
		asked.push(`${init.method} ${url.split("?")[0]} ${init.body}`);
		return new Response(JSON.stringify(answer.body), { status: answer.status });
	});
	document.body.append(root);
	store = new LabStore("playground");
	render(<Ask store={store} />, root);
	await vi.waitFor(() => expect(find("ask-from").querySelectorAll("option")).toHaveLength(2));
});
afterEach(() => {
	render(null, root);
	root.remove();
	store.dispose();
	vi.unstubAllGlobals();
});

async function ask(from: string, to: string, said: string) {
	const select = find<HTMLSelectElement>("ask-from");
	select.value = from;
	select.dispatchEvent(new Event("change", { bubbles: true }));
	const field = find<HTMLInputElement>("ask-to");
	field.value = to;
	field.dispatchEvent(new Event("input", { bubbles: true }));
	await vi.waitFor(() => expect(find<HTMLButtonElement>("ask").disabled).toBe(false));
	root.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
	await vi.waitFor(() => expect(find("ask-answer").textContent).toContain(said));
}

it("has nothing to ask without an address", () => {
	expect(find<HTMLButtonElement>("ask").disabled).toBe(true);
});

it("tells that a packet arrives, and why one does not", async () => {
	answer = { status: 200, body: { kind: "reach", ok: true, found: "answered", why: "" } };
	await ask("B", "10.0.0.2", "Yes");
	expect(asked).toEqual(['POST /api/sessions/s/probe {"from":"B","to":"10.0.0.2"}']);
	expect(find("ask-answer").dataset.ok).toBe("");
	answer = { status: 200, body: { kind: "reach", ok: false, found: "no route", why: "A has no route to 10.9.9.9." } };
	await ask("A", "10.9.9.9", "No. A has no route to 10.9.9.9.");
	expect(find("ask-answer").dataset.ok).toBeUndefined();
});

it("says what the server says of an address that is none", async () => {
	answer = { status: 400, body: { title: "Bad Request", status: 400, detail: "This is no address of a host." } };
	await ask("A", "nowhere", "This is no address of a host.");
});
