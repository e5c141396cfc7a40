/** Help with a step: hints one by one, the solution, catching up to it. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Command, LabStep, StepState } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { Confirm } from "../ui/Dialog";
import { Html } from "../ui/Html";
import { Bulb, Eye, Skip, Tick } from "../ui/icons";
import { enhanceRunBlocks, type RunActions } from "./runblocks";
import type { LabStore } from "./store";

const text = catalogue(
	{
		check: "Check now",
		checking: "Checking…",
		read: "I have read this",
		hint: (n: number) => `Show hint ${n}`,
		hintLabel: (n: number) => `Hint ${n}`,
		solution: "Show the solution",
		solutionLabel: "Solution",
		solutionAsk: "Show the solution?",
		solutionText: "Your progress will note that you looked. You still run the commands yourself.",
		catchUp: "Catch up to here",
		catchUpAsk: (title: string) => `Catch up to “${title}”?`,
		catchUpText: (n: number) =>
			n === 1
				? "The solution of the step before this one is run on the hosts. That step counts as caught up."
				: `The solutions of the ${n} steps before this one are run on the hosts. Those steps count as caught up.`,
		answer: "Answer:",
	},
	{
		check: "지금 확인",
		checking: "확인하는 중…",
		read: "다 읽었습니다",
		hint: (n) => `힌트 ${n} 보기`,
		hintLabel: (n) => `힌트 ${n}`,
		solution: "풀이 보기",
		solutionLabel: "풀이",
		solutionAsk: "풀이를 보시겠습니까?",
		solutionText: "풀이를 보았다는 사실이 진행 상황에 기록됩니다. 명령은 직접 실행합니다.",
		catchUp: "여기까지 따라잡기",
		catchUpAsk: (title) => `“${title}” 단계까지 따라잡으시겠습니까?`,
		catchUpText: (n) => `앞선 ${n}개 단계의 풀이를 호스트에서 실행합니다. 그 단계는 따라잡은 것으로 기록됩니다.`,
		answer: "답:",
	},
);

interface Props {
	store: LabStore;
	step: LabStep;
	state: StepState;
	/** How many steps come before this one. */
	index: number;
	actions: RunActions;
}

export function Aid({ store, step, state, index, actions }: Props) {
	const t = text();
	const [asking, setAsking] = useState<"solution" | "catch-up" | null>(null);
	const pending = store.pending.value;
	const usable = store.usable.value;
	const checking = pending.has(`check:${step.id}`);
	const behind = store.steps.value.slice(0, index).some((s) => !s.passed || s.holds === false);
	const more = !state.passed && state.moreHints;
	return (
		<>
			{state.hints.length > 0 && (
				<ol class="hints">
					{state.hints.map((hint, i) => (
						<li key={i}>
							<p class="label">{t.hintLabel(i + 1)}</p>
							<Html class="prose" html={hint} />
						</li>
					))}
				</ol>
			)}
			{state.solution && <Solution commands={state.solution} actions={actions} />}
			<div class="aid">
				{(step.checks > 0 || !state.passed) && (
					<button
						type="button"
						class={state.passed ? undefined : "strong"}
						data-testid={`check-${step.id}`}
						aria-busy={checking}
						disabled={!usable}
						onClick={() => void store.check(step.id)}
					>
						<Tick />
						{checking ? t.checking : step.checks > 0 ? t.check : t.read}
					</button>
				)}
				{more && (
					<button
						type="button"
						data-testid={`hint-${step.id}`}
						aria-busy={pending.has(`hint:${step.id}`)}
						disabled={!usable}
						onClick={() => void store.hint(step.id)}
					>
						<Bulb />
						{t.hint(state.hintsUsed + 1)}
					</button>
				)}
				{step.hasSolution && !state.solution && (
					<button
						type="button"
						data-testid={`solution-${step.id}`}
						disabled={!usable}
						onClick={() => setAsking("solution")}
					>
						<Eye />
						{t.solution}
					</button>
				)}
				{behind && !state.passed && (
					<button
						type="button"
						class="quiet"
						data-testid={`catch-up-${step.id}`}
						disabled={!usable}
						onClick={() => setAsking("catch-up")}
					>
						<Skip />
						{t.catchUp}
					</button>
				)}
			</div>
			{asking === "solution" && (
				<Confirm
					title={t.solutionAsk}
					action={t.solution}
					onConfirm={() => void store.solution(step.id)}
					onClose={() => setAsking(null)}
				>
					<p>{t.solutionText}</p>
				</Confirm>
			)}
			{asking === "catch-up" && (
				<Confirm
					title={t.catchUpAsk(step.title)}
					action={t.catchUp}
					onConfirm={() => void store.catchUp(step.id)}
					onClose={() => setAsking(null)}
				>
					<p>{t.catchUpText(index)}</p>
				</Confirm>
			)}
		</>
	);
}

/** Commands that follow each other on the same host, as one block. */
export function blocksOf(commands: Command[]): Array<{ host: string; lines: string[] }> {
	const blocks: Array<{ host: string; lines: string[] }> = [];
	for (const { host, line } of commands) {
		const last = blocks.at(-1);
		if (last?.host === host) last.lines.push(line);
		else blocks.push({ host, lines: [line] });
	}
	return blocks;
}

function Solution({ commands, actions }: { commands: Command[]; actions: RunActions }) {
	const ref = useRef<HTMLDivElement>(null);
	useLayoutEffect(() => enhanceRunBlocks(ref.current as HTMLElement, actions), [commands, actions]);
	const t = text();
	return (
		<div class="solution" ref={ref} key={JSON.stringify(commands)}>
			<p class="label">{t.solutionLabel}</p>
			{blocksOf(commands).map(({ host, lines }, i) =>
				host === "answer" ? (
					<p key={i}>
						{t.answer} <strong>{lines.map((line) => line.slice(line.indexOf("=") + 1)).join(", ")}</strong>
					</p>
				) : (
					<figure key={i} class="run" data-host={host}>
						<pre>
							<code>{lines.join("\n")}</code>
						</pre>
					</figure>
				),
			)}
		</div>
	);
}
