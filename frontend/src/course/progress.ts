/** Sums over a course. */
import type { Course, CourseLab } from "../api/types";

export function totals(course: Pick<Course, "chapters">): { steps: number; passed: number; minutes: number } {
	const labs = course.chapters.flatMap((chapter) => chapter.labs);
	const sum = (of: (lab: CourseLab) => number) => labs.reduce((n, lab) => n + of(lab), 0);
	return { steps: sum((l) => l.steps), passed: sum((l) => l.passed), minutes: sum((l) => l.minutes) };
}

/** Where to go on: a lab that runs and is not finished, else the first that is not finished. */
export function nextLab(course: Course): CourseLab | undefined {
	const left = course.chapters.flatMap((chapter) => chapter.labs).filter((lab) => lab.passed < lab.steps);
	return left.find((lab) => lab.session) ?? left[0];
}
