/** One step of the lesson: its text, its questions, its checks, and help with it. */
import { useCallback } from "preact/hooks";
import type { LabStep, StepState } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { Html } from "../ui/Html";
import { Arrow } from "../ui/icons";
import { Aid } from "./Aid";
import { Checks } from "./Checks";
import { Questions } from "./Questions";
import { enhanceRunBlocks, type RunActions } from "./runblocks";
import type { LabStore } from "./store";

const text = catalogue(
	{
		step: (n: number) => `Step ${n}`,
		passed: "passed",
		caughtUp: "caught up",
		holds: "holds now",
		broken: "no longer holds",
		checks: "Checks",
		now: "in progress",
		done: "Step passed.",
		next: "Next:",
	},
	{
		step: (n) => `${n}단계`,
		passed: "통과",
		caughtUp: "따라잡음",
		holds: "지금도 충족",
		broken: "지금은 미충족",
		checks: "확인 항목",
		now: "진행 중",
		done: "단계를 통과했습니다.",
		next: "다음:",
	},
);

interface Props {
	store: LabStore;
	step: LabStep;
	state: StepState;
	index: number;
	current: boolean;
	/** What comes after this step. */
	next?: { id: string; title: string };
	actions: RunActions;
}

export function StepSection({ store, step, state, index, current, next, actions }: Props) {
	const t = text();
	const enhance = useCallback(
		(root: HTMLElement) => {
			const undo = enhanceRunBlocks(root, actions);
			if (!step.predictions.length) return undo;
			let gone = false;
			let take = () => {};
			import("./Predict").then(
				({ place }) => {
					if (!gone) take = place(root, store, step);
				},
				() => {}, // The lesson can be read without.
			);
			return () => {
				gone = true;
				take();
				undo();
			};
		},
		[actions, store, step],
	);
	const facts = state.checks.filter((check) => check.kind !== "answer");
	const expected = step.checks - step.answers.length;
	return (
		<section
			class="step"
			id={step.id}
			data-state={state.passed ? "passed" : current ? "current" : "open"}
			data-testid={`step-${step.id}`}
			data-passed={state.passed}
			data-holds={state.holds ?? "unknown"}
			aria-labelledby={`title-${step.id}`}
		>
			<span class="node" aria-hidden="true" />
			<header>
				<p class="label">
					<span>{t.step(index + 1)}</span>
					{current && <span class="status-now">{t.now}</span>}
					<StepStatus state={state} checks={step.checks} />
				</p>
				<h2 id={`title-${step.id}`} tabIndex={-1}>
					{step.title}
				</h2>
			</header>
			<Html class="prose" html={step.html} enhance={enhance} />
			<div class="task">
				<Questions store={store} step={step} state={state} />
				{expected > 0 && (
					<>
						<p class="label">{t.checks}</p>
						<Checks checks={facts} expected={expected} />
					</>
				)}
				<Aid store={store} step={step} state={state} index={index} actions={actions} />
				{state.passed && next && (
					<p class="onward">
						<span>{t.done}</span>
						<a href={`#${next.id}`}>
							{t.next} {next.title}
							<Arrow />
						</a>
					</p>
				)}
			</div>
		</section>
	);
}

/** "passed" stays; the light beside it tells what is true at this moment. */
function StepStatus({ state, checks }: { state: StepState; checks: number }) {
	const t = text();
	if (!state.passed) return null;
	return (
		<>
			<span class="status-passed">{state.caughtUp ? t.caughtUp : t.passed}</span>
			{checks > 0 && state.holds !== null && (
				<span class="status-light" data-on={state.holds}>
					<i class={state.holds ? "light on" : "light"} aria-hidden="true" />
					{state.holds ? t.holds : t.broken}
				</span>
			)}
		</>
	);
}
