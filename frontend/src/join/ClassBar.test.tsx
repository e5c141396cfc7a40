import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Membership } from "../api/classes";
import type { Session } from "../api/types";
import type { LabStore } from "../lab/store";
import { setLanguage } from "../state/prefs";
import { emptyView } from "../state/view";
import { ClassBar } from "./ClassBar";

const member: Membership = {
	class: "c",
	className: "Networking 101",
	language: "",
	state: "open",
	beginsOn: "",
	member: "m",
	name: "Learner",
	code: "ABCDE-FGHJK",
	recording: true,
	labs: [],
	hand: null,
	watchers: [],
	keyboard: "",
	keyboardBy: "",
	messages: [],
	broadcast: null,
	faults: [],
};

const root = document.createElement("div");
const view = signal({ ...emptyView, member });
const store = { name: "switching", view } as unknown as LabStore;
const asked: string[] = [];
const become = (part: Partial<Membership>) =>
	act(() => {
		view.value = { ...view.value, member: { ...member, ...part } };
	});
const by = (testid: string) => root.querySelector<HTMLElement>(`[data-testid=${testid}]`);

beforeEach(async () => {
	localStorage.clear();
	setLanguage("en");
	asked.length = 0;
	vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
		asked.push(`${init.method} ${url.split("?")[0]} ${init.body ?? ""}`);
		return new Response(JSON.stringify(member));
	});
	document.body.append(root);
	view.value = { ...emptyView, member };
	await act(() => render(<ClassBar store={store} />, root));
});
afterEach(() => {
	render(null, root);
	root.remove();
	vi.unstubAllGlobals();
});

describe("ClassBar", () => {
	it("tells that the class has not begun, is paused, or has ended", async () => {
		expect(by("class-paused")).toBeNull();
		await become({ beginsOn: "2026-05-04" });
		expect(by("class-paused")?.textContent).toBe("The class begins on May 4, 2026. Its labs open then.");
		await become({ state: "paused" });
		expect(by("class-paused")?.textContent).toContain("The class is paused.");
		await become({ state: "ended" });
		expect(by("class-paused")?.textContent).toContain("The class has ended.");
		expect(by("raise-hand")).toBeNull();
	});

	it("says once that the class has ended, and goes when the learner says so, or with the page", async () => {
		const again = async (part: Partial<Membership>) => {
			await act(() => render(null, root));
			await become(part);
			await act(() => render(<ClassBar store={store} />, root));
		};
		await become({ state: "ended" });
		await act(() => by("practise-alone")?.click());
		expect(by("class-bar")).toBeNull();
		expect(by("class-paused")).toBeNull();
		// What else is told of it changes nothing.
		await become({ state: "ended", className: "Another name" });
		expect(by("class-bar")).toBeNull();
		// Opened again, it is there as before; the next end is told, too.
		await become({ state: "open" });
		expect(by("class-bar")).not.toBeNull();
		await become({ state: "ended" });
		expect(by("practise-alone")).not.toBeNull();
		// The next page has heard of it.
		await again({ state: "ended" });
		expect(by("class-bar")).toBeNull();
		await again({ state: "open" });
		expect(by("class-bar")).not.toBeNull();
	});

	it("hears of the class itself once the session is over, and goes if the learner is in none any more", async () => {
		const urls: string[] = [];
		class Source extends EventTarget {
			constructor(url: string) {
				super();
				urls.push(url);
			}
			close(): void {}
		}
		vi.stubGlobal("EventSource", Source);
		vi.stubGlobal("fetch", async () => new Response("[]"));
		expect(urls).toEqual([]);
		await act(() => {
			view.value = { ...view.value, session: { state: "ended" } as Session };
		});
		expect(urls).toEqual(["/api/me/classes/events?lang=en"]);
		await vi.waitFor(() => expect(by("class-bar")).toBeNull());
	});

	it("tells a page that opens after the end, if no page was told", async () => {
		await act(() => render(null, root));
		await become({ state: "ended" });
		await act(() => render(<ClassBar store={store} />, root));
		expect(by("class-paused")?.textContent).toContain("The class has ended.");
		await act(() => by("leave-class")?.click());
		expect(asked).toEqual([]);
		await act(() => root.ownerDocument.querySelector<HTMLElement>("[data-testid=confirm]")?.click());
		await vi.waitFor(() => expect(by("class-bar")).toBeNull());
		expect(asked).toEqual(["DELETE /api/me/classes/c "]);
	});

	it("tells who looks, and who types, which comes first", async () => {
		expect(by("watched")?.textContent).toBe("");
		await become({ watchers: [{ name: "Kim", typing: false }] });
		expect(by("watched")?.textContent).toBe("Kim is watching your page");
		await become({
			watchers: [
				{ name: "Kim", typing: false },
				{ name: "Lee", typing: true },
			],
		});
		expect(by("watched")?.textContent).toBe("Lee is typing in your terminal");
	});

	it("asks for the keyboard, and gives it only by a click", async () => {
		await become({ keyboard: "asked", keyboardBy: "Kim" });
		expect(by("keyboard-asked")?.textContent).toContain("Kim asks to type into your terminals.");
		expect(asked).toEqual([]);
		await act(async () => by("allow-keyboard")?.click());
		expect(asked).toEqual(['POST /api/me/classes/c/keyboard {"allow":true}']);
		await become({ keyboard: "granted", keyboardBy: "Kim" });
		await act(async () => by("revoke-keyboard")?.click());
		expect(asked[1]).toBe('POST /api/me/classes/c/keyboard {"allow":false}');
	});

	it("shows a new message until it is dismissed, and what was there before not again", async () => {
		const message = { id: "1", at: "2026-01-01T00:00:00Z", from: "Kim", text: "Look at step two." };
		await become({ messages: [message] });
		expect(by("message")?.textContent).toContain("Look at step two.");
		await act(() => by("message")?.querySelector("button")?.click());
		expect(by("message")).toBeNull();
		expect(by("messages")?.textContent).toBe("1 message");
		const both = [message, { ...message, id: "2", text: "And three." }];
		await become({ messages: both });
		expect(by("message")?.textContent).toContain("And three.");
		// Also on a page that is loaded anew, until it is put away.
		const again = async () => {
			render(null, root);
			await act(() => render(<ClassBar store={store} />, root));
		};
		await again();
		expect(by("message")?.textContent).toContain("And three.");
		await act(() => by("message")?.querySelector("button")?.click());
		await again();
		expect(by("message")).toBeNull();
	});

	it("tells of a fault in this lab's network alone, as long as it is not repaired", async () => {
		const fault = { id: "f", at: "", lab: "switching", title: "", repairedAt: null };
		await become({ faults: [{ ...fault, lab: "routing" }] });
		expect(by("fault")).toBeNull();
		await become({ faults: [fault] });
		expect(by("fault")).not.toBeNull();
		expect(by("repaired")).toBeNull();
		await become({ faults: [{ ...fault, title: "A is down", repairedAt: "2026-01-01T00:00:00Z" }] });
		expect(by("fault")).toBeNull();
		expect(by("repaired")?.textContent).toContain("A is down");
		await act(() => by("repaired")?.querySelector("button")?.click());
		expect(by("repaired")).toBeNull();
	});

	it("says that the class is paused, and who comes to a raised hand", async () => {
		await become({ state: "paused" });
		expect(by("class-paused")).not.toBeNull();
		const hand = { member: "m", at: "", lab: "", step: "", text: "", claimedBy: "Kim", claimedAt: null };
		await become({ hand });
		expect(root.textContent).toContain("Kim is coming to you.");
		await act(async () => by("lower-hand")?.click());
		expect(asked[0]).toMatch(/^DELETE \/api\/me\/classes\/c\/hand/);
	});
});
