import { expect, it } from "vitest";
import type { CheckState } from "../api/types";
import { setLanguage } from "../state/prefs";
import { blankStep } from "../state/view";
import { stepNews } from "./news";

const check = (ok: boolean): CheckState => ({
	kind: "link",
	ok,
	expected: "",
	found: "",
	why: "",
	reason: "",
	hint: "",
});
const step = blankStep("up");

it("says what has changed, and is silent otherwise", () => {
	setLanguage("en");
	const half = { ...step, checks: [check(true), check(false)] };
	const passed = { ...step, passed: true, holds: true, checks: [check(true), check(true)] };
	const broken = { ...passed, holds: false };
	const none = { ...step, checks: [check(false), check(false)] };
	expect(stepNews(none, half, 2)).toBe("Step 2: 1 of 2 checks hold.");
	expect(stepNews(half, half, 2)).toBeNull();
	expect(stepNews(half, { ...half, attempts: 1 }, 2)).toBe("Step 2: 1 of 2 checks hold.");
	expect(stepNews(half, passed, 2)).toBe("Step 2 passed.");
	expect(stepNews(passed, passed, 2)).toBeNull();
	expect(stepNews(passed, broken, 2)).toBe("Step 2 stays passed, but no longer holds.");
	expect(stepNews(broken, passed, 2)).toBe("Step 2 holds again.");
});

it("does not tell what was found first, nor how far steps are that nobody works at", () => {
	const none = { ...step, checks: [check(false)] };
	const half = { ...step, checks: [check(true), check(false)] };
	expect(stepNews(step, half, 2)).toBeNull();
	expect(stepNews(undefined, half, 2)).toBeNull();
	expect(stepNews(none, half, 2, false)).toBeNull();
	expect(stepNews(none, { ...half, attempts: 1 }, 2, false)).toContain("1 of 2");
});
