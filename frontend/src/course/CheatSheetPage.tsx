/** Every command of the course on one page, to look up and to print. */
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError, getCheatSheet } from "../api/client";
import type { CheatChapter, CheatCommand, CheatLab, CheatSheet } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { labPath } from "../router";
import { language } from "../state/prefs";
import { ErrorPage, offlineText } from "../ui/ErrorPage";
import { Html } from "../ui/Html";
import { Left } from "../ui/icons";
import { Tools } from "../ui/Tools";
import { TopBar } from "../ui/TopBar";
import { usePageTitle } from "../ui/title";
import { matching } from "./cheatsheet";
import "../styles/cheatsheet.css";

const text = catalogue(
	{
		title: "Cheat sheet",
		about: "Every command of the course, from the lessons themselves. A command leads to the step that teaches it.",
		loading: "Loading…",
		filter: "Filter",
		placeholder: "ip route, neighbours, netns…",
		print: "Print",
		back: "To the course",
		command: "Command",
		does: "Does",
		also: "Typed in the lesson",
		fails: "fails on purpose",
		found: (n: number) => (n === 1 ? "1 command" : `${n} commands`),
		none: "No command of the course has all these words.",
	},
	{
		title: "명령 모음",
		about: "본문에 나온 명령을 모두 모았습니다. 명령을 누르면 그 명령을 다루는 단계로 갑니다.",
		loading: "불러오는 중입니다…",
		filter: "찾기",
		placeholder: "ip route, 이웃, netns…",
		print: "인쇄",
		back: "과정 목록으로",
		command: "명령",
		does: "하는 일",
		also: "본문에서 입력하는 명령",
		fails: "일부러 실패하는 명령",
		found: (n) => `명령 ${n}개`,
		none: "이 낱말이 모두 들어 있는 명령이 없습니다.",
	},
);

/** Kept between visits of the page. */
const sheet = signal<CheatSheet | null>(null);
const failure = signal<ApiError | null>(null);

async function load(): Promise<void> {
	failure.value = null;
	try {
		sheet.value = await getCheatSheet();
	} catch (error) {
		if (error instanceof ApiError) failure.value = error;
	}
}

const count = (value: CheatSheet): number =>
	value.chapters
		.flatMap((chapter) => chapter.labs)
		.reduce((n, lab) => n + lab.learned.length + lab.typed.reduce((m, step) => m + step.commands.length, 0), 0);

export function CheatSheetPage() {
	const lang = language.value;
	useEffect(() => void load(), [lang]);
	const t = text();
	usePageTitle(t.title);
	const value = sheet.value;
	const error = failure.value;
	if (!value && error) {
		return <ErrorPage text={error.offline ? offlineText() : error.message} retry={() => void load()} />;
	}
	return (
		<div class="page">
			<TopBar>
				<Tools />
			</TopBar>
			<main class="cheat" aria-busy={!value}>
				{value ? <Sheet value={value} /> : <p class="opening">{t.loading}</p>}
			</main>
		</div>
	);
}

function Sheet({ value }: { value: CheatSheet }) {
	const t = text();
	const [typed, setTyped] = useState("");
	const shown = useMemo(() => matching(value, typed), [value, typed]);
	const n = count(shown);
	return (
		<>
			<header class="cheat-head">
				<a class="cheat-back" href="/">
					<Left />
					{t.back}
				</a>
				<h1>{t.title}</h1>
				<p>{t.about}</p>
				<search class="cheat-tools">
					<label for="cheat-filter">{t.filter}</label>
					<input
						id="cheat-filter"
						type="search"
						data-testid="cheat-filter"
						value={typed}
						placeholder={t.placeholder}
						autocomplete="off"
						spellcheck={false}
						onInput={(event) => setTyped(event.currentTarget.value)}
					/>
					<button type="button" onClick={() => print()}>
						{t.print}
					</button>
					<span role="status" data-testid="cheat-count">
						{t.found(n)}
					</span>
				</search>
			</header>
			{n === 0 && <p>{t.none}</p>}
			{shown.chapters.map((chapter) => (
				<Chapter key={chapter.id} chapter={chapter} />
			))}
		</>
	);
}

function Chapter({ chapter }: { chapter: CheatChapter }) {
	return (
		<section class="cheat-chapter" aria-labelledby={`cheat-${chapter.id}`}>
			<h2 id={`cheat-${chapter.id}`}>{chapter.title}</h2>
			{chapter.labs.map((lab) => (
				<Lab key={lab.name} lab={lab} />
			))}
		</section>
	);
}

function Lab({ lab }: { lab: CheatLab }) {
	const t = text();
	return (
		<section class="cheat-lab" data-testid={`cheat-lab-${lab.name}`} aria-labelledby={`cheat-lab-${lab.name}`}>
			<h3 id={`cheat-lab-${lab.name}`}>
				<a href={labPath(lab.name)}>{lab.title}</a>
			</h3>
			{lab.learned.length > 0 && (
				<table>
					<thead class="offscreen">
						<tr>
							<th scope="col">{t.command}</th>
							<th scope="col">{t.does}</th>
						</tr>
					</thead>
					<tbody>
						{lab.learned.map((row) => (
							<tr key={row.command}>
								<td>
									<Command lab={lab.name} row={row} />
								</td>
								<td>
									<Html html={row.does} />
								</td>
							</tr>
						))}
					</tbody>
				</table>
			)}
			{lab.typed.length > 0 && (
				<details class="cheat-typed">
					<summary>{t.also}</summary>
					<dl>
						{lab.typed.map((step) => (
							<div key={step.id}>
								<dt>
									<a href={`${labPath(lab.name)}#${step.id}`}>{step.title}</a>
								</dt>
								{step.commands.map((c) => (
									<dd key={c.code}>
										<span class="cheat-host">{c.host}</span>
										<pre>
											<code>{c.code}</code>
										</pre>
										{c.fails && <span class="cheat-fails">{t.fails}</span>}
									</dd>
								))}
							</div>
						))}
					</dl>
				</details>
			)}
		</section>
	);
}

function Command({ lab, row }: { lab: string; row: CheatCommand }) {
	const command = <Html html={row.command} />;
	return row.step ? <a href={`${labPath(lab)}#${row.step}`}>{command}</a> : command;
}
