import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LabStep, Session, StepState } from "../api/types";
import { setLanguage } from "../state/prefs";
import { blankStep } from "../state/view";
import { StepSection } from "./StepSection";
import { LabStore } from "./store";

const step: LabStep = {
	id: "learn",
	title: "How a switch learns",
	html: `<p>Text</p><figure class="predict" data-name="fate"></figure><figure class="run" data-host="A"><pre><code>ping B</code></pre></figure>`,
	checks: 2,
	hints: 2,
	hasSolution: true,
	answers: [{ name: "mac", question: "Which address?", choices: null }],
	predictions: [{ name: "fate", question: "What will it do?", choices: ["Answer", "Nothing"] }],
};
const state: StepState = {
	...blankStep("learn"),
	holds: false,
	hintsUsed: 1,
	hints: ["<p>Look at <code>ip link</code>.</p>"],
	moreHints: true,
	checks: [
		{
			kind: "bridge",
			ok: false,
			expected: "sw knows A",
			found: "<b>nothing</b>",
			why: "A was silent",
			reason: "",
			hint: "",
		},
	],
};
const session: Session = {
	id: "s",
	lab: "switching",
	createdAt: "",
	expiresAt: "2100-01-01T00:00:00Z",
	state: "ready",
	hosts: [],
	terminals: [],
	steps: [state],
};

let store: LabStore;
let asked: string[];
const root = document.createElement("div");
const find = <T extends HTMLElement>(id: string) => root.querySelector<T>(`[data-testid="${id}"]`) as T;

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
		asked.push(`${init.method} ${url.split("?")[0]} ${init.body ?? ""}`);
		const body = url.includes("/labs/")
			? { name: "switching", title: "", steps: [step] }
			: url.includes("/steps/")
				? state
				: session;
		return new Response(JSON.stringify(body), { status: 200 });
	});
	store = new LabStore("switching");
	document.body.append(root);
});
afterEach(() => {
	render(null, root);
	root.remove();
	store.dispose();
	vi.unstubAllGlobals();
});

async function show(part: Partial<StepState> = {}) {
	await vi.waitFor(() => expect(store.usable.value && store.lab.value).toBeTruthy());
	render(
		<StepSection
			store={store}
			step={step}
			state={{ ...state, ...part }}
			index={1}
			current
			actions={{ run: async () => undefined }}
		/>,
		root,
	);
	asked = [];
}

describe("a step", () => {
	it("tells its state to people and to tests", async () => {
		await show();
		const section = find("step-learn");
		expect(section.dataset.passed).toBe("false");
		expect(section.dataset.holds).toBe("false");
		expect(section.querySelector("h2")?.textContent).toBe("How a switch learns");
		await show({ passed: true, holds: true });
		expect(section.dataset.passed).toBe("true");
		expect(section.textContent).toContain("holds now");
		await show({ holds: null });
		expect(section.dataset.holds).toBe("unknown");
	});

	it("shows what was expected, found and why, as text and never as markup", async () => {
		await show();
		const check = root.querySelector(".check") as HTMLElement;
		expect(check.textContent).toContain("sw knows A");
		expect(check.textContent).toContain("<b>nothing</b>");
		expect(check.textContent).toContain("A was silent");
		expect(check.querySelector("b")).toBeNull();
	});

	it("gives its commands a run button", async () => {
		await show();
		expect(root.querySelector("button[aria-label='Run on A']")).not.toBeNull();
	});

	it("asks for a check, and for one hint more as long as there is one", async () => {
		await show();
		find("check-learn").click();
		find("hint-learn").click();
		await vi.waitFor(() => expect(asked).toHaveLength(2));
		expect(asked[0]).toContain("POST /api/sessions/s/steps/learn/check");
		expect(asked[1]).toContain("POST /api/sessions/s/steps/learn/hint");
		await show({ hintsUsed: 2, moreHints: false });
		expect(find("hint-learn")).toBeNull();
	});

	it("asks for a prediction where the lesson wants it, and shows it back beside the truth", async () => {
		await show();
		await vi.waitFor(() => expect(find("answer-predict-learn-fate")).not.toBeNull());
		const figure = root.querySelector("figure.predict") as HTMLElement;
		expect(figure.nextElementSibling?.className).toBe("run");
		expect(figure.textContent).toContain("What will it do?");
		const radio = figure.querySelectorAll<HTMLInputElement>("input[type=radio]")[1] as HTMLInputElement;
		radio.checked = true;
		radio.dispatchEvent(new Event("change", { bubbles: true }));
		await vi.waitFor(() => {
			radio.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
			expect(asked.length).toBeGreaterThan(0);
		});
		expect(asked[0]).toBe('POST /api/sessions/s/steps/learn/predict {"name":"fate","value":"Nothing"}');
		await vi.waitFor(() => expect(store.pending.value.size).toBe(0));

		const made = {
			fate: { value: "Nothing", right: false, why: "<p>It heard.</p>", truth: "<p>It <b>answers</b>.</p>" },
		};
		store.view.value = {
			...store.view.value,
			session: { ...session, steps: [{ ...state, predictions: made }] },
		};
		await vi.waitFor(() => expect(find("predicted-learn-fate")).not.toBeNull());
		expect(figure.querySelector("form")).toBeNull();
		expect(find("predicted-learn-fate").textContent).toContain("You predicted: Nothing");
		expect(figure.querySelector("details b")?.textContent).toBe("answers");
		expect(figure.querySelector("details")?.open).toBe(false);
		// The step's passing opens it; leaving the page takes it away.
		store.view.value = {
			...store.view.value,
			session: { ...session, steps: [{ ...state, passed: true, predictions: made }] },
		};
		await vi.waitFor(() => expect(figure.querySelector("details")?.open).toBe(true));
		render(null, root);
		expect(figure.childElementCount).toBe(0);
	});

	it("sends an answer without the spaces around it", async () => {
		await show();
		const input = find<HTMLInputElement>("answer-learn-mac");
		input.value = " 02:42:00:00:00:01 ";
		input.dispatchEvent(new Event("input", { bubbles: true }));
		await vi.waitFor(() => {
			input.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
			expect(asked.length).toBeGreaterThan(0);
		});
		expect(asked[0]).toBe('POST /api/sessions/s/steps/learn/answer {"name":"mac","value":"02:42:00:00:00:01"}');
	});
});
