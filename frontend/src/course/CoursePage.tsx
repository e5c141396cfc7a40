/** The overview: chapters, their labs, how far the learner is, and where to go on. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, endSession, getCourse, openSession } from "../api/client";
import type { Chapter, Course, CourseLab } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { labPath } from "../router";
import { announce } from "../state/announce";
import { language } from "../state/prefs";
import { ErrorPage, offlineText } from "../ui/ErrorPage";
import { Arrow } from "../ui/icons";
import { lazy } from "../ui/lazy";
import { Tools } from "../ui/Tools";
import { TopBar } from "../ui/TopBar";
import { usePageTitle } from "../ui/title";
import { nextLab, totals } from "./progress";

const text = catalogue(
	{
		loading: "Loading the course…",
		passed: (n: number, of: number) => `${n} of ${of} steps passed`,
		minutesAll: (n: number) => `about ${n} minutes in all`,
		start: "Start",
		resume: "Continue",
		again: "All steps are passed. Any lab can be done again.",
		step: (n: number, of: number) => `from step ${n} of ${of}`,
		chapter: (n: number) => `Chapter ${n}`,
		minutes: (n: number) => `${n} min`,
		done: "passed",
		labProgress: (n: number, of: number) => `${n} of ${of} steps passed`,
		running: "running",
		end: "End session",
		endOf: (lab: string) => `End the running session of ${lab}`,
		ended: "The session has ended. Your progress is kept.",
		skip: "Skip to the labs",
		join: "Join a class",
		teach: "For teachers",
		cheatsheet: "Cheat sheet of all commands",
		chapterSum: (passed: number, steps: number, minutes: number) =>
			`${passed} of ${steps} steps · about ${minutes} min`,
	},
	{
		loading: "과정을 불러오는 중입니다…",
		passed: (n, of) => `전체 ${of}단계 중 ${n}단계 통과`,
		minutesAll: (n) => `모두 합쳐 약 ${n}분`,
		start: "시작하기",
		resume: "이어서 하기",
		again: "모든 단계를 통과했습니다. 어떤 실습이든 다시 할 수 있습니다.",
		step: (n, of) => `전체 ${of}단계 중 ${n}단계부터`,
		chapter: (n) => `${n}장`,
		minutes: (n) => `${n}분`,
		done: "통과",
		labProgress: (n, of) => `${of}단계 중 ${n}단계 통과`,
		running: "실행 중",
		end: "세션 끝내기",
		endOf: (lab) => `${lab} 실습의 세션 끝내기`,
		ended: "세션을 끝냈습니다. 진행 상황은 그대로 남아 있습니다.",
		skip: "실습 목록으로 건너뛰기",
		join: "수업 참여",
		teach: "교사용",
		cheatsheet: "명령 모음",
		chapterSum: (passed, steps, minutes) => `${steps}단계 중 ${passed}단계 · 약 ${minutes}분`,
	},
);

/** Of the playground, which no lab's page waits for. */
const PlayRow = lazy(() => import("../play/CourseRow").then((module) => module.CourseRow));

/** Kept between visits of the page, so that coming back shows something at once. */
const course = signal<Course | null>(null);
const failure = signal<ApiError | null>(null);

async function loadCourse(): Promise<void> {
	failure.value = null;
	try {
		course.value = await getCourse();
	} catch (error) {
		if (error instanceof ApiError) failure.value = error;
	}
}

/** The course has no session's id; opening a running session resumes it and tells. */
const idOf = async (lab: string) => (await openSession(lab)).id;

async function endIt(id: Promise<string>): Promise<void> {
	try {
		await endSession(await id);
		announce(text().ended);
	} catch (error) {
		if (!(error instanceof ApiError)) throw error;
		announce(error.message);
	}
	await loadCourse();
}

export function CoursePage() {
	const lang = language.value;
	useEffect(() => void loadCourse(), [lang]);
	const t = text();
	const value = course.value;
	usePageTitle(value?.title ?? "Netground");
	if (!value && failure.value) {
		const error = failure.value;
		return <ErrorPage text={error.offline ? offlineText() : error.message} retry={() => void loadCourse()} />;
	}
	return (
		<div class="page">
			<a class="skip" href="#labs">
				{t.skip}
			</a>
			<TopBar>
				<Tools />
			</TopBar>
			<main class="course" aria-busy={!value}>
				{value ? <Overview course={value} /> : <p class="opening">{t.loading}</p>}
			</main>
		</div>
	);
}

function Overview({ course: value }: { course: Course }) {
	const t = text();
	const sum = totals(value);
	const next = nextLab(value);
	return (
		<>
			<header class="course-head">
				<h1>{value.title}</h1>
				<p class="course-sum">
					<span>{t.passed(sum.passed, sum.steps)}</span>
					<span>{t.minutesAll(sum.minutes)}</span>
					<a href="/cheatsheet">{t.cheatsheet}</a>
					<a href="/join">{t.join}</a>
					<a href="/teach">{t.teach}</a>
				</p>
				{next ? (
					<a class="resume" href={labPath(next.name)}>
						<span class="label">{sum.passed > 0 || next.session ? t.resume : t.start}</span>
						<strong>{next.title}</strong>
						{next.passed > 0 && <span class="resume-step">{t.step(next.passed + 1, next.steps)}</span>}
						<Arrow />
					</a>
				) : (
					<p class="course-done">{t.again}</p>
				)}
			</header>
			<div id="labs" tabIndex={-1}>
				{value.chapters.map((chapter, i) => (
					<ChapterSection key={chapter.id} chapter={chapter} number={i + 1} />
				))}
				<PlayRow runs={value.playground} Running={Running} />
			</div>
		</>
	);
}

/** A session runs, which can be ended from here. */
function Running({ of, id }: { of: string; id: () => Promise<string> }) {
	const t = text();
	return (
		<span class="running">
			<i class="light on" aria-hidden="true" />
			{t.running}
			<button type="button" class="link" aria-label={t.endOf(of)} onClick={() => void endIt(id())}>
				{t.end}
			</button>
		</span>
	);
}

function ChapterSection({ chapter, number }: { chapter: Chapter; number: number }) {
	const sum = totals({ chapters: [chapter] });
	return (
		<section class="chapter" aria-labelledby={`chapter-${chapter.id}`}>
			<header>
				<p class="label">{text().chapter(number)}</p>
				<h2 id={`chapter-${chapter.id}`}>{chapter.title}</h2>
				<p>{chapter.summary}</p>
				<p class="chapter-sum">{text().chapterSum(sum.passed, sum.steps, sum.minutes)}</p>
			</header>
			<ol class="cable">
				{chapter.labs.map((lab) => (
					<LabRow key={lab.name} lab={lab} />
				))}
			</ol>
		</section>
	);
}

function LabRow({ lab }: { lab: CourseLab }) {
	const t = text();
	const state = lab.passed >= lab.steps ? "passed" : lab.passed > 0 || lab.session ? "begun" : "open";
	return (
		<li class="lab-row" data-testid={`lab-card-${lab.name}`} data-state={state}>
			<span class="node" aria-hidden="true" />
			<div class="lab-row-text">
				<h3>
					<a href={labPath(lab.name)}>{lab.title}</a>
				</h3>
				<p>{lab.summary}</p>
				<p class="lab-facts">
					<span>{t.minutes(lab.minutes)}</span>
					<span class="ticks">
						<span class="offscreen">{t.labProgress(lab.passed, lab.steps)}</span>
						{Array.from({ length: lab.steps }, (_, i) => (
							<i key={i} class={i < lab.passed ? "on" : undefined} aria-hidden="true" />
						))}
						<span aria-hidden="true">
							{lab.passed}/{lab.steps}
						</span>
					</span>
					{state === "passed" && <span class="done">{t.done}</span>}
					{lab.session && <Running of={lab.title} id={() => idOf(lab.name)} />}
				</p>
			</div>
		</li>
	);
}
