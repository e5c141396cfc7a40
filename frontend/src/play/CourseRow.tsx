/** The playground's row on the course page. */
import type { ComponentType } from "preact";
import { catalogue } from "../i18n/catalogue";
import { playPath } from "../router";
import { getPlayground } from "./api";

const text = catalogue(
	{
		label: "Beyond the course",
		title: "Playground",
		open: "Make a network",
		summary:
			"Your own hosts and cables, without steps: pick a ready network, or write one and see it drawn as you type.",
	},
	{
		label: "과정 밖에서",
		title: "자유 실습",
		open: "네트워크 만들기",
		summary: "단계 없이 자유롭게 해 보는 나만의 네트워크입니다. 준비된 구성을 고르거나 직접 쓰면 바로 그려집니다.",
	},
);

interface Props {
	runs: boolean;
	/** Of the course page: that a session runs, and the button that ends it. */
	Running: ComponentType<{ of: string; id: () => Promise<string> }>;
}

export function CourseRow({ runs, Running }: Props) {
	const t = text();
	return (
		<section class="chapter" aria-labelledby="playground">
			<header>
				<p class="label">{t.label}</p>
				<h2 id="playground">{t.title}</h2>
			</header>
			<div class="cable">
				<div class="lab-row" data-testid="play-card" data-state={runs ? "begun" : "open"}>
					<span class="node" aria-hidden="true" />
					<div class="lab-row-text">
						<h3>
							<a href={playPath}>{t.open}</a>
						</h3>
						<p>{t.summary}</p>
						{runs && (
							<p class="lab-facts">
								<Running of={t.title} id={async () => (await getPlayground()).session} />
							</p>
						)}
					</div>
				</div>
			</div>
		</section>
	);
}
