/** What the signs of the grid mean. */
import { catalogue } from "../../i18n/catalogue";
import { Bulb, Eye } from "../../ui/icons";
import { StepMark } from "./marks";
import type { Shape } from "./words";

const text = catalogue(
	{
		legend: "Signs",
		none: "not started",
		trying: "trying",
		failed: "failed, how often",
		passed: "passed",
		"caught-up": "caught up",
		broken: "passed, no longer holds",
		hint: "hints used",
		solution: "solution revealed",
	},
	{
		legend: "기호",
		none: "시작 전",
		trying: "시도 중",
		failed: "실패와 횟수",
		passed: "통과",
		"caught-up": "따라잡음",
		broken: "통과했으나 지금은 미충족",
		hint: "힌트 봄",
		solution: "풀이 봄",
	},
);

const shapes: readonly Shape[] = ["none", "trying", "failed", "passed", "caught-up", "broken"];

export function Legend() {
	const t = text();
	return (
		<ul class="legend" aria-label={t.legend}>
			{shapes.map((shape) => (
				<li key={shape}>
					<StepMark shape={shape} />
					{t[shape]}
				</li>
			))}
			<li>
				<Bulb />
				{t.hint}
			</li>
			<li>
				<Eye />
				{t.solution}
			</li>
		</ul>
	);
}
