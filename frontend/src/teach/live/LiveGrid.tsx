// biome-ignore-all lint/a11y/useSemanticElements: of a table, rows out of sight cannot be left out of the layout, which keeps 200 of them fluid
// biome-ignore-all lint/a11y/useFocusableInteractive: in a grid the cells have the focus, not the rows
/** Who stands where: a row for each learner, a column for each step, the sums above. */
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ClassLab, Row } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { useClock } from "../../lab/clock";
import { navigate } from "../../router";
import { Bulb, Eye } from "../../ui/icons";
import { learnerPath } from "../paths";
import { cellOf, emptyFunnel, pace, stopwatch } from "./board";
import { HandMark, PresenceMark, StepMark } from "./marks";
import { Nobody } from "./Nobody";
import { moveInGrid, roving } from "./roving";
import type { ClassStore } from "./store";
import { ago, cellInWords, presenceWord, shapeOf } from "./words";

const text = catalogue(
	{
		grid: (lab: string) => `Learners and steps of ${lab}`,
		learner: "Learner",
		learners: (n: number) => (n === 1 ? "1 learner" : `${n} learners`),
		step: (n: number, title: string) => `Step ${n}: ${title}`,
		sums: (passed: number, failed: number, trying: number, of: number) =>
			`${passed} of ${of} passed, ${failed} failing, ${trying} trying`,
		median: (time: string) => `half took up to ${time}`,
		onStep: "On the step",
		against: (time: string, median: string) => `${time} on this step; the class's median is ${median}`,
		alone: (time: string) => `${time} on this step; there is no median yet`,
		otherLab: (lab: string) => `is in ${lab}`,
		done: "all steps passed",
		hand: "hand raised",
		watched: (names: string) => `watched by ${names}`,
		resort: "The order has changed. Sort again",
		cell: (name: string, step: string, what: string) => `${name}, ${step}: ${what}`,
	},
	{
		grid: (lab) => `${lab} 실습의 학습자와 단계`,
		learner: "학습자",
		learners: (n) => `학습자 ${n}명`,
		step: (n, title) => `${n}단계: ${title}`,
		sums: (passed, failed, trying, of) => `${of}명 중 ${passed}명 통과, ${failed}명 실패, ${trying}명 시도 중`,
		median: (time) => `중앙값 ${time}`,
		onStep: "단계에 머문 시간",
		against: (time, median) => `이 단계에서 ${time}, 학급 중앙값은 ${median}`,
		alone: (time) => `이 단계에서 ${time}, 아직 중앙값 없음`,
		otherLab: (lab) => `${lab} 실습 중`,
		done: "모든 단계 통과",
		hand: "손을 듦",
		watched: (names) => `${names} 님이 보는 중`,
		resort: "순서가 바뀌었습니다. 다시 정렬",
		cell: (name, step, what) => `${name}, ${step}: ${what}`,
	},
);

export function LiveGrid({ store }: { store: ClassStore }) {
	const t = text();
	const lab = store.lab.value;
	const order = store.order.value;
	const root = useRef<HTMLDivElement>(null);
	useEffect(() => roving(root.current as HTMLElement));
	if (!lab) return null;
	return (
		<div class="board-frame">
			{store.stale.value && (
				<button type="button" class="board-resort" onClick={() => store.settle()}>
					{t.resort}
				</button>
			)}
			<div
				ref={root}
				class="board"
				role="grid"
				aria-label={t.grid(lab.title)}
				style={{ "--steps": lab.steps.length }}
				onKeyDown={(event) => moveInGrid(event, root.current as HTMLElement)}
				onClick={(event) => {
					const target = event.target instanceof Element ? event.target : null;
					const path = target?.closest("a") ? null : target?.closest<HTMLElement>("[data-open]")?.dataset.open;
					if (path) navigate(path);
				}}
				onPointerEnter={() => {
					store.steady.value = true;
				}}
				onPointerLeave={() => {
					store.steady.value = root.current?.contains(document.activeElement) ?? false;
				}}
				onFocusIn={() => {
					store.steady.value = true;
				}}
				onFocusOut={(event) => {
					const to = event.relatedTarget;
					if (!(to instanceof Node && root.current?.contains(to))) store.steady.value = false;
				}}
			>
				<div role="rowgroup" class="board-head">
					<Heading store={store} lab={lab} />
				</div>
				<div role="rowgroup" class="board-rows">
					{order.map((member) => (
						<LearnerRow key={member} store={store} lab={lab} member={member} />
					))}
				</div>
			</div>
			{order.length === 0 && <Nobody />}
		</div>
	);
}

function Heading({ store, lab }: { store: ClassStore; lab: ClassLab }) {
	const t = text();
	const funnel = useComputed(() => store.grid.value?.board.funnel[lab.name]).value;
	const count = store.order.value.length;
	return (
		<div role="row" class="board-row">
			<div role="columnheader" class="board-corner" tabIndex={-1}>
				<span class="offscreen">{t.learner}</span>
				<span aria-hidden="true">{t.learners(count)}</span>
			</div>
			{lab.steps.map((step, i) => {
				const sum = funnel?.[i] ?? emptyFunnel(step.id);
				const part = (n: number) => `${count === 0 ? 0 : (100 * n) / count}%`;
				const words = t.sums(sum.passed, sum.failed, sum.trying, count);
				return (
					<div key={step.id} role="columnheader" class="board-step" tabIndex={-1} title={`${step.title}\n${words}`}>
						<span class="board-step-name">
							<span class="offscreen">{t.step(i + 1, step.title)}. </span>
							<b aria-hidden="true">{i + 1}</b>
							<span aria-hidden="true">{step.title}</span>
						</span>
						<span class="funnel" aria-hidden="true">
							<i class="funnel-passed" style={{ width: part(sum.passed) }} />
							<i class="funnel-failed" style={{ width: part(sum.failed) }} />
							<i class="funnel-trying" style={{ width: part(sum.trying) }} />
						</span>
						<span class="board-sum">
							<span class="offscreen">{words}. </span>
							<span aria-hidden="true">
								{sum.passed}/{count}
							</span>
							{sum.medianSeconds !== null && (
								<>
									<span aria-hidden="true">{stopwatch(sum.medianSeconds)}</span>
									<span class="offscreen">{t.median(stopwatch(sum.medianSeconds))}</span>
								</>
							)}
						</span>
					</div>
				);
			})}
			<div role="columnheader" class="board-time-head" tabIndex={-1}>
				{t.onStep}
			</div>
		</div>
	);
}

interface RowProps {
	store: ClassStore;
	lab: ClassLab;
	member: string;
}

function LearnerRow({ store, lab, member }: RowProps) {
	const t = text();
	const row = store.row(member)?.value;
	const help = useComputed(() => store.help.value.get(member)).value;
	if (!row) return null;
	const name = store.nameOf(member);
	const here = row.lab === lab.name;
	const path = learnerPath(store.id, member);
	return (
		<div
			role="row"
			class="board-row"
			data-member={member}
			data-presence={row.joined ? row.presence : "off"}
			data-help={help ? "" : undefined}
		>
			<div role="rowheader" class="board-name" tabIndex={-1} data-open={path}>
				<PresenceMark presence={row.presence} />
				<a href={path} tabIndex={-1} title={name}>
					{name}
				</a>
				{row.hand && (
					<span class="board-sign" title={t.hand}>
						<HandMark />
						<span class="offscreen">{t.hand}</span>
					</span>
				)}
				{row.watchers.length > 0 && (
					<span class="board-sign" title={t.watched(row.watchers.map((w) => w.name).join(", "))}>
						<Eye />
						<span class="offscreen">{t.watched(row.watchers.map((w) => w.name).join(", "))}</span>
					</span>
				)}
				<span class="board-seen">
					<Seen row={row} />
				</span>
				{help && <span class="board-why">{help.text}</span>}
			</div>
			{lab.steps.map((step, i) => {
				const cell = cellOf(row, lab.name, i);
				const at = here && row.step === step.id;
				const time = at ? row.onStepSeconds : cell.seconds;
				const words = cellInWords(cell, time ? stopwatch(time) : "");
				return (
					<div
						key={step.id}
						role="gridcell"
						class="board-cell"
						tabIndex={-1}
						data-here={at ? "" : undefined}
						data-state={cell.state}
						data-open={`${path}#${step.id}`}
						title={cell.why ? `${words}\n${cell.why}` : words}
					>
						<span class="offscreen">{t.cell(name, t.step(i + 1, step.title), words)}</span>
						<StepMark shape={shapeOf(cell)} />
						{cell.state === "failed" && (
							<span class="board-count" aria-hidden="true">
								×{cell.fails ?? 1}
							</span>
						)}
						{cell.hints ? (
							<span class="board-aid" aria-hidden="true">
								<Bulb />
								{cell.hints > 1 && cell.hints}
							</span>
						) : null}
						{cell.revealed && (
							<span class="board-aid" aria-hidden="true">
								<Eye />
							</span>
						)}
					</div>
				);
			})}
			<TimeCell store={store} lab={lab} row={row} here={here} />
		</div>
	);
}

function Seen({ row }: { row: Row }) {
	const now = useClock(20_000).value;
	const when = ago(row.lastInput, now);
	const word = presenceWord(row.presence, row.joined);
	return (
		<>
			<span class="offscreen">{word}. </span>
			<span title={word}>{row.presence === "typing" || !when ? (row.joined ? "" : word) : when}</span>
		</>
	);
}

/** How long on the step, beside what the class takes for it. */
function TimeCell({ store, lab, row, here }: { store: ClassStore; lab: ClassLab; row: Row; here: boolean }) {
	const t = text();
	const at = lab.steps.findIndex((step) => step.id === row.step);
	const median = useComputed(() => store.grid.value?.board.funnel[lab.name]?.[at]?.medianSeconds ?? null).value;
	if (!here || at < 0) {
		const other = store.grid.peek()?.class.catalog.find((one) => one.name === row.lab);
		const all = here && lab.steps.every((_, i) => cellOf(row, lab.name, i).state === "passed");
		return (
			<div role="gridcell" class="board-time" tabIndex={-1}>
				<span class="board-elsewhere">
					{all ? t.done : here || !other || !row.session ? "" : t.otherLab(other.title)}
				</span>
			</div>
		);
	}
	const seconds = row.onStepSeconds;
	const tempo = pace(seconds, median);
	const full = Math.max(1, 3 * (median ?? seconds));
	const sentence = median === null ? t.alone(stopwatch(seconds)) : t.against(stopwatch(seconds), stopwatch(median));
	return (
		<div role="gridcell" class="board-time" data-pace={tempo} tabIndex={-1} title={sentence}>
			<span class="offscreen">{sentence}</span>
			<span class="board-clock" aria-hidden="true">
				{stopwatch(seconds)}
			</span>
			<span class="board-bar">
				<i style={{ width: `${Math.min(100, (100 * seconds) / full)}%` }} />
				{median !== null && <b style={{ left: `${100 / 3}%` }} />}
			</span>
			{tempo !== "usual" && median !== null && (
				<span class="board-pace" aria-hidden="true">
					{(seconds / median).toFixed(1)}×
				</span>
			)}
		</div>
	);
}
