import { expect, it } from "vitest";
import type { Course, CourseLab } from "../api/types";
import { nextLab, totals } from "./progress";

const lab = (name: string, passed: number, session = false): CourseLab => ({
	name,
	title: name,
	summary: "",
	minutes: 10,
	steps: 3,
	passed,
	session,
});
const course = (...labs: CourseLab[]): Course => ({
	title: "",
	playground: false,
	chapters: labs.map((l) => ({ id: l.name, title: "", summary: "", labs: [l] })),
});

it("sums over chapters", () => {
	expect(totals(course(lab("a", 3), lab("b", 1)))).toEqual({ steps: 6, passed: 4, minutes: 20 });
});

it("goes on with the lab that runs, else with the first that is not finished", () => {
	expect(nextLab(course(lab("a", 3, true), lab("b", 0), lab("c", 1, true)))?.name).toBe("c");
	expect(nextLab(course(lab("a", 3), lab("b", 0), lab("c", 1)))?.name).toBe("b");
	expect(nextLab(course(lab("a", 3)))).toBeUndefined();
});
