/** What is worth saying aloud when a step's state changes. */
import type { StepState } from "../api/types";
import { catalogue } from "../i18n/catalogue";

const text = catalogue(
	{
		passed: (n: number) => `Step ${n} passed.`,
		held: (n: number, ok: number, of: number) => `Step ${n}: ${ok} of ${of} checks hold.`,
		broken: (n: number) => `Step ${n} stays passed, but no longer holds.`,
		again: (n: number) => `Step ${n} holds again.`,
	},
	{
		passed: (n) => `${n}단계를 통과했습니다.`,
		held: (n, ok, of) => `${n}단계: 확인 항목 ${of}개 중 ${ok}개를 충족합니다.`,
		broken: (n) => `${n}단계는 이미 통과했지만, 지금은 조건을 충족하지 않습니다.`,
		again: (n) => `${n}단계의 조건을 다시 충족합니다.`,
	},
);

/**
 * The sentence about step number n, or nothing if nothing changed that counts.
 * One command changes checks of many steps: how many hold is said of the
 * current step, and of one that was asked for, not of what was found first.
 */
export function stepNews(before: StepState | undefined, after: StepState, n: number, current = true): string | null {
	if (after.passed && !before?.passed) return text().passed(n);
	if (after.passed && before?.holds && after.holds === false) return text().broken(n);
	if (after.passed && before?.holds === false && after.holds) return text().again(n);
	const count = (step: StepState | undefined) => step?.checks.filter((check) => check.ok).length ?? 0;
	const asked = after.attempts !== (before?.attempts ?? 0);
	const changed = current && before !== undefined && before.checks.length > 0 && count(before) !== count(after);
	if (!after.passed && after.checks.length > 0 && (asked || changed))
		return text().held(n, count(after), after.checks.length);
	return null;
}
