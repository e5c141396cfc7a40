/** The lesson: what the lab is about, its steps along their cable, and where to go next. */
import { useCallback, useEffect, useRef } from "preact/hooks";
import type { Lab } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { labPath } from "../router";
import { Html } from "../ui/Html";
import { Arrow, Left } from "../ui/icons";
import { enhanceRunBlocks, type RunActions } from "./runblocks";
import { StepSection } from "./StepSection";
import type { LabStore } from "./store";

const text = catalogue(
	{
		minutes: (n: number) => `about ${n} minutes`,
		steps: (n: number) => `${n} steps`,
		loading: "Loading the lesson…",
		done: "All steps passed",
		summary: "What you know now",
		end: "the summary",
		next: "Next lab",
		previous: "Previous lab",
		course: "Back to the course",
	},
	{
		minutes: (n) => `약 ${n}분`,
		steps: (n) => `${n}단계`,
		loading: "본문을 불러오는 중입니다…",
		done: "모든 단계를 통과했습니다",
		summary: "이제 알게 된 것",
		end: "정리",
		next: "다음 실습",
		previous: "이전 실습",
		course: "과정 목록으로",
	},
);

interface Props {
	store: LabStore;
	actions: RunActions;
}

export function LessonPane({ store, actions }: Props) {
	const lab = store.lab.value;
	if (!lab) return <LessonSkeleton />;
	return <Lesson store={store} lab={lab} actions={actions} />;
}

function Lesson({ store, lab, actions }: Props & { lab: Lab }) {
	const t = text();
	const enhance = useCallback((root: HTMLElement) => enhanceRunBlocks(root, actions), [actions]);
	const steps = store.steps.value;
	const current = store.current.value;
	const all = lab.steps.length > 0 && current === "";
	useResume(store, lab);
	return (
		<article class="lesson">
			<header class="lesson-head">
				<h1>{lab.title}</h1>
				<p class="lesson-summary">{lab.summary}</p>
				<p class="lesson-facts">
					<span>{t.steps(lab.steps.length)}</span>
					<span>{t.minutes(lab.minutes)}</span>
				</p>
			</header>
			{lab.intro && <Html class="prose intro" html={lab.intro} enhance={enhance} />}
			<div class="cable">
				{lab.steps.map((step, i) => {
					const state = steps[i];
					return (
						state && (
							<StepSection
								key={step.id}
								store={store}
								step={step}
								state={state}
								index={i}
								current={step.id === current}
								next={lab.steps[i + 1] ?? { id: "lesson-end", title: t.end }}
								actions={actions}
							/>
						)
					);
				})}
				<section
					class="lesson-end"
					id="lesson-end"
					data-state={all ? "passed" : "open"}
					aria-labelledby="lesson-end-title"
				>
					<span class="node" aria-hidden="true" />
					<header>
						<h2 id="lesson-end-title" tabIndex={-1}>
							{all ? t.done : t.summary}
						</h2>
					</header>
					{lab.summaryHtml && <Html class="prose" html={lab.summaryHtml} enhance={enhance} />}
					<nav class="lesson-next" aria-label={t.next}>
						{lab.next ? (
							<a class={all ? "resume" : "resume faint"} href={labPath(lab.next.name)}>
								<span class="label">{t.next}</span>
								<strong>{lab.next.title}</strong>
								<Arrow />
							</a>
						) : (
							<a class="resume faint" href="/">
								<strong>{t.course}</strong>
								<Arrow />
							</a>
						)}
						{lab.prev && (
							<a class="previous" href={labPath(lab.prev.name)}>
								<Left />
								{t.previous}: {lab.prev.title}
							</a>
						)}
					</nav>
				</section>
			</div>
		</article>
	);
}

/** How far a lesson was scrolled in this tab, and under which address. */
const placeKey = (lab: string) => `netground.place.${lab}`;

function placeOf(lab: string): [hash: string, top: number] | null {
	try {
		const value: unknown = JSON.parse(sessionStorage.getItem(placeKey(lab)) ?? "");
		return Array.isArray(value) && typeof value[1] === "number" ? [String(value[0]), value[1]] : null;
	} catch {
		return null;
	}
}

/**
 * A reload changes nothing of what was being read; an address with a step
 * goes there; a learner who comes back finds the step where the work stopped.
 */
function useResume(store: LabStore, lab: Lab): void {
	const done = useRef(false);
	const session = store.session.value;
	useEffect(() => {
		const keep = () => {
			const pane = document.getElementById("lesson");
			// Before it was brought to its place, and while it is folded, where it stands says nothing.
			if (!done.current || !pane?.getClientRects().length) return;
			try {
				sessionStorage.setItem(placeKey(lab.name), JSON.stringify([location.hash, pane.scrollTop]));
			} catch {
				// The next visit begins at the current step.
			}
		};
		addEventListener("pagehide", keep);
		return () => {
			keep();
			removeEventListener("pagehide", keep);
		};
	}, [lab.name]);
	useEffect(() => {
		if (done.current || !session) return;
		done.current = true;
		const place = placeOf(lab.name);
		if (place && place[0] === location.hash) {
			document.getElementById("lesson")?.scrollTo({ top: place[1] });
			return;
		}
		const wanted = decodeURIComponent(location.hash.slice(1));
		const first = lab.steps[0]?.id;
		const current = store.current.peek();
		const target = lab.steps.some((s) => s.id === wanted) ? wanted : current !== first ? current || "" : "";
		if (target) document.getElementById(target)?.scrollIntoView({ block: "start" });
	}, [lab, session, store]);
}

function LessonSkeleton() {
	return (
		<div class="lesson skeleton" aria-busy="true">
			<p class="offscreen">{text().loading}</p>
			<i class="bone title" />
			<i class="bone" />
			<i class="bone" />
			<i class="bone short" />
			<i class="bone block" />
			<i class="bone" />
			<i class="bone short" />
		</div>
	);
}
