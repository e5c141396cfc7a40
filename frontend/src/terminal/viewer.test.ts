import { beforeEach, describe, expect, it } from "vitest";
import { Viewers } from "./viewer";

describe("a viewer", () => {
	let tab: EventTarget;
	const page = () => new Viewers(sessionStorage, tab);
	beforeEach(() => {
		sessionStorage.clear();
		tab = new EventTarget();
	});

	it("stays the same over a reload", () => {
		const before = page();
		const id = before.id("t");
		expect(id).toMatch(/^[0-9a-f]{24}$/);
		expect(before.id("t")).toBe(id);
		expect(before.id("u")).not.toBe(id);
		tab.dispatchEvent(new Event("pagehide"));
		tab = new EventTarget();
		expect(page().id("t")).toBe(id);
	});

	it("is another one in a copied tab, whose storage is a copy, too", () => {
		const first = page();
		const id = first.id("t");
		expect(sessionStorage.length).toBe(0);
		expect(page().id("t")).not.toBe(id);
	});

	it("takes its id back when the browser brings the page back", () => {
		page().id("t");
		tab.dispatchEvent(new Event("pagehide"));
		expect(sessionStorage.length).toBe(1);
		tab.dispatchEvent(new Event("pageshow"));
		expect(sessionStorage.length).toBe(0);
	});
});
