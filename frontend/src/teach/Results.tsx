/** How the class did: a report that prints well, and the same as a table for other programs. */
import { useEffect, useState } from "preact/hooks";
import type { Results as Report, ResultStep } from "../api/classes";
import { getResults, resultsCSV, resultsJSON } from "../api/classes";
import { catalogue } from "../i18n/catalogue";
import { language } from "../state/prefs";
import { Asks } from "./asks";
import { Frame } from "./Frame";
import { stopwatch } from "./live/board";
import { StepMark } from "./live/marks";
import { cellInWords, shapeOf } from "./live/words";
import { classPath } from "./paths";

const text = catalogue(
	{
		title: (name: string) => `Results: ${name}`,
		csv: "CSV",
		json: "JSON",
		print: "Print",
		at: (when: string) => `As of ${when}`,
		none: "Nobody has joined.",
		learner: "Learner",
		sum: "Passed",
		time: "Time",
		step: (n: number, title: string) => `Step ${n}: ${title}`,
		passedOf: (n: number, of: number) => `${n} of ${of}`,
		of: "passed by",
		median: "median time",
		hints: "hints",
		solutions: "solutions revealed",
		learners: (n: number) => (n === 1 ? "1 learner" : `${n} learners`),
		all: (n: number, of: number) => `${n} of ${of} have passed all steps`,
	},
	{
		title: (name) => `결과: ${name}`,
		csv: "CSV",
		json: "JSON",
		print: "인쇄",
		at: (when) => `${when} 기준`,
		none: "참여한 사람이 없습니다.",
		learner: "학습자",
		sum: "통과",
		time: "시간",
		step: (n, title) => `${n}단계: ${title}`,
		passedOf: (n, of) => `${of}단계 중 ${n}단계`,
		of: "통과한 사람",
		median: "시간 중앙값",
		hints: "힌트",
		solutions: "풀이를 본 사람",
		learners: (n) => `학습자 ${n}명`,
		all: (n, of) => `${of}명 중 ${n}명이 모든 단계 통과`,
	},
);

export function Results({ id }: { id: string }) {
	const t = text();
	const lang = language.value;
	const [asks] = useState(() => new Asks());
	const [report, setReport] = useState<Report | null>(null);
	useEffect(() => void asks.run("results", () => getResults(id), setReport), [asks, id, lang]);
	return (
		<Frame
			wide
			title={report ? t.title(report.class.name) : ""}
			back={{ href: classPath(id), label: report?.class.name ?? "" }}
			asks={asks}
			actions={
				<>
					<a class="button" href={resultsCSV(id)} download>
						{t.csv}
					</a>
					<a class="button" href={resultsJSON(id)} download={`${report?.class.name ?? "results"}.json`}>
						{t.json}
					</a>
					<button type="button" onClick={() => print()}>
						{t.print}
					</button>
				</>
			}
		>
			{report && (
				<>
					<p class="report-at">
						{t.at(new Date(report.at).toLocaleString(lang, { dateStyle: "long", timeStyle: "short" }))} ·{" "}
						{t.learners(report.rows.length)}
					</p>
					{report.rows.length === 0 && <p>{t.none}</p>}
					{report.rows.length > 0 && report.labs.map((lab) => <LabReport key={lab.name} report={report} lab={lab} />)}
				</>
			)}
		</Frame>
	);
}

function LabReport({ report, lab }: { report: Report; lab: Report["labs"][number] }) {
	const t = text();
	const rows = report.rows.map((row) => ({
		...row,
		steps: lab.steps.map((step) => row.steps.find((s) => s.lab === lab.name && s.step === step.id) ?? null),
	}));
	const passed = (steps: (ResultStep | null)[]) => steps.filter((step) => step?.state === "passed").length;
	const all = rows.filter((row) => passed(row.steps) === lab.steps.length).length;
	return (
		<section class="report" aria-labelledby={`report-${lab.name}`}>
			<h2 id={`report-${lab.name}`}>{lab.title}</h2>
			<p class="label">{t.all(all, rows.length)}</p>
			<div class="report-scroll">
				<table class="report-table">
					<caption class="offscreen">{lab.title}</caption>
					<thead>
						<tr>
							<th scope="col">{t.learner}</th>
							{lab.steps.map((step, i) => (
								<th key={step.id} scope="col" title={step.title}>
									<span class="report-number" aria-hidden="true">
										{i + 1}
									</span>
									<span class="report-step">{step.title}</span>
								</th>
							))}
							<th scope="col">{t.sum}</th>
							<th scope="col">{t.time}</th>
						</tr>
					</thead>
					<tbody>
						{rows.map((row) => (
							<tr key={row.member}>
								<th scope="row">
									{row.name} {row.externalId && <span class="label">{row.externalId}</span>}
								</th>
								{row.steps.map((step, i) => (
									<td key={lab.steps[i]?.id}>
										<StepResult step={step} />
									</td>
								))}
								<td>
									{passed(row.steps)}/{lab.steps.length}
								</td>
								<td>{stopwatch(row.steps.reduce((sum, step) => sum + (step?.seconds ?? 0), 0))}</td>
							</tr>
						))}
					</tbody>
					<tfoot>
						<Sum label={t.of} rows={rows} of={(steps) => `${steps.filter((s) => s?.state === "passed").length}`} />
						<Sum label={t.median} rows={rows} of={(steps) => median(steps)} />
						<Sum
							label={t.hints}
							rows={rows}
							of={(steps) => `${steps.reduce((sum, step) => sum + (step?.hints ?? 0), 0)}`}
						/>
						<Sum label={t.solutions} rows={rows} of={(steps) => `${steps.filter((s) => s?.revealed).length}`} />
					</tfoot>
				</table>
			</div>
		</section>
	);
}

function StepResult({ step }: { step: ResultStep | null }) {
	if (!step) return <StepMark shape="none" />;
	const cell = { ...step, passedAt: step.passedAt ?? "" };
	const time = step.seconds > 0 ? stopwatch(step.seconds) : "";
	return (
		<span class="report-cell" title={cellInWords(cell, time)}>
			<StepMark shape={shapeOf(cell)} />
			<span class="offscreen">{cellInWords(cell, time)}</span>
			{step.fails > 0 && <span aria-hidden="true">×{step.fails}</span>}
		</span>
	);
}

interface SumProps {
	label: string;
	rows: { steps: (ResultStep | null)[] }[];
	of: (steps: (ResultStep | null)[]) => string;
}

function Sum({ label, rows, of }: SumProps) {
	const columns = rows[0]?.steps.length ?? 0;
	return (
		<tr>
			<th scope="row">{label}</th>
			{Array.from({ length: columns }, (_, i) => (
				<td key={i}>{of(rows.map((row) => row.steps[i] ?? null))}</td>
			))}
			<td />
			<td />
		</tr>
	);
}

function median(steps: (ResultStep | null)[]): string {
	const times = steps
		.filter((step) => step?.state === "passed" && !step.caughtUp && step.seconds > 0)
		.map((step) => step?.seconds ?? 0)
		.sort((a, b) => a - b);
	const middle = times[Math.floor((times.length - 1) / 2)];
	return middle === undefined ? "–" : stopwatch(middle);
}
