import { beforeEach, expect, it } from "vitest";
import { draft, fromFragment, toFragment } from "./draft";

beforeEach(() => localStorage.clear());

it("keeps what was written and what was started apart", () => {
	expect([draft.text, draft.started]).toEqual(["", ""]);
	draft.text = "one";
	draft.started = "two";
	expect([draft.text, draft.started]).toEqual(["one", "two"]);
});

it("bears what another version has stored", () => {
	localStorage.setItem("netground.playground", '{"text": 5}');
	expect(draft.text).toBe("");
	localStorage.setItem("netground.playground", "5");
	expect(draft.text).toBe("");
});

it("carries a text in the end of an address", () => {
	for (const text of ["hosts: {A: {}}\n", "라벨: 라우터 → \u{1f600}", "???>>>~~~", ""]) {
		const hash = toFragment(text);
		expect(hash).toMatch(/^#topology=[\w-]*$/);
		expect(fromFragment(hash, 100)).toBe(text);
	}
});

it("refuses an end that is none, broken, or too long", () => {
	for (const hash of ["", "#labs", "#topology=*", "#topology=gA", toFragment("x".repeat(101))])
		expect(fromFragment(hash, 100)).toBeNull();
});
