/** What the server establishes for a step, line by line: expected, found, why. */
import type { CheckState } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { Html } from "../ui/Html";

const text = catalogue(
	{
		ok: "Holds:",
		not: "Does not hold yet:",
		unknown: "Not checked yet:",
		later: "Not tried yet",
		found: "Found",
		why: "Why",
		waiting: (n: number) =>
			n === 1 ? "One check. It runs by itself as you work." : `${n} checks. They run by themselves as you work.`,
	},
	{
		ok: "충족:",
		not: "아직 충족하지 않음:",
		unknown: "아직 확인하지 않음:",
		later: "아직 확인하지 않음",
		found: "현재",
		why: "이유",
		waiting: (n) => `확인 항목이 ${n}개 있습니다. 작업하는 동안 자동으로 확인합니다.`,
	},
);

type Mark = "ok" | "not" | "unknown";

function markOf(check: CheckState): Mark {
	return check.ok ? "ok" : check.reason === "not-checked" ? "unknown" : "not";
}

/** The sign of a check's state; its meaning is said in words to those who don't see it. */
export function CheckMark({ state }: { state: Mark }) {
	return (
		<svg class="check-mark" data-state={state} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
			<circle cx="8" cy="8" r="6.25" />
			{state === "ok" && <path d="m5 8.3 2.1 2.1L11.2 6" />}
			{state === "not" && <path d="M5.2 8h5.6" />}
		</svg>
	);
}

export function Checks({ checks, expected }: { checks: CheckState[]; expected: number }) {
	const t = text();
	if (checks.length === 0)
		return expected > 0 ? (
			<p class="checks-waiting">
				<CheckMark state="unknown" />
				{t.waiting(expected)}
			</p>
		) : null;
	return (
		<ul class="checks">
			{checks.map((check, i) => (
				<CheckLine key={i} check={check} />
			))}
		</ul>
	);
}

/** One check's outcome. Texts may quote what a learner named: they are put in as text, never as markup. */
export function CheckLine({ check }: { check: CheckState }) {
	const t = text();
	const state = markOf(check);
	return (
		<li class="check" data-state={state} data-kind={check.kind}>
			<CheckMark state={state} />
			<div>
				<p class="check-expected">
					{check.expected ? (
						<>
							<span class="offscreen">{t[state]} </span>
							{check.expected}
						</>
					) : (
						t.later
					)}
				</p>
				{state === "not" && (
					<dl class="check-detail">
						{check.found && (
							<div>
								<dt>{t.found}</dt>
								<dd>{check.found}</dd>
							</div>
						)}
						{check.why && (
							<div>
								<dt>{t.why}</dt>
								<dd>{check.why}</dd>
							</div>
						)}
					</dl>
				)}
				{state === "not" && check.hint && <Html class="check-hint prose" html={check.hint} />}
			</div>
		</li>
	);
}
