import { expect, it } from "vitest";
import { setLanguage } from "../state/prefs";
import { duration } from "./clock";

const minute = 60_000;

it("says a duration in whole minutes and hours", () => {
	setLanguage("ko");
	expect([-5, 59_999, minute, 59.9 * minute, 60 * minute, 125 * minute].map(duration)).toEqual([
		"1분 미만",
		"1분 미만",
		"1분",
		"59분",
		"1시간",
		"2시간 5분",
	]);
	setLanguage("en");
	expect(duration(125 * minute)).toBe("2\u00a0h 5\u00a0min");
});
