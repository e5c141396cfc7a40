/**
 * "Predict first": a question in the lesson before a command shows the answer.
 * It is fetched when a lesson has one. Nobody is graded; what was predicted is
 * shown back beside the truth.
 */
import { render } from "preact";
import type { LabStep } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { Html } from "../ui/Html";
import { Ask } from "./Questions";
import type { LabStore } from "./store";
import "../styles/predict.css";

const text = catalogue(
	{
		label: "Predict first",
		predict: "That is my prediction",
		note: "Not graded. Say what you expect, then try it.",
		yours: "You predicted:",
		reveal: "What happens, and why",
		right: "So it is.",
		wrong: "It is not so, and that is where one learns the most.",
	},
	{
		label: "먼저 예상해 봅니다",
		predict: "이렇게 예상합니다",
		note: "채점하지 않습니다. 먼저 예상하고, 그다음에 해 봅니다.",
		yours: "예상한 것:",
		reveal: "실제로는 이렇습니다",
		right: "예상한 대로입니다.",
		wrong: "예상과 다릅니다. 가장 많이 배우는 것은 바로 이런 때입니다.",
	},
);

interface Props {
	store: LabStore;
	step: LabStep;
	name: string;
}

function Predict({ store, step, name }: Props) {
	const t = text();
	const question = step.predictions.find((q) => q.name === name);
	const state = store.steps.value.find((s) => s.id === step.id);
	if (!question || !state) return null;
	const made = state.predictions[name];
	const key = `${step.id}-${name}`;
	if (!made) {
		return (
			<>
				<Ask
					label={t.label}
					button={t.predict}
					question={question}
					name={`predict-${key}`}
					busy={store.pending.value.has(`predict:${step.id}:${name}`)}
					submit={(value) => void store.predict(step.id, name, value)}
				/>
				<p class="predict-note">{t.note}</p>
			</>
		);
	}
	return (
		<div class="predicted" role="status" data-testid={`predicted-${key}`}>
			<p class="label">{t.label}</p>
			<p class="predict-question">{question.question}</p>
			<p>
				{t.yours} <strong>{made.value}</strong>
			</p>
			{/* Once the step is passed, the command has shown it. */}
			<details open={state.passed}>
				<summary>{t.reveal}</summary>
				{made.right !== null && <p class="predict-verdict">{made.right ? t.right : t.wrong}</p>}
				{made.why && <Html class="prose" html={made.why} />}
				<Html class="prose" html={made.truth} />
			</details>
		</div>
	);
}

/** Asks in every figure.predict below root; returns what takes it away. */
export function place(root: HTMLElement, store: LabStore, step: LabStep): () => void {
	const figures = [...root.querySelectorAll<HTMLElement>("figure.predict[data-name]")];
	for (const figure of figures) render(<Predict store={store} step={step} name={figure.dataset.name ?? ""} />, figure);
	return () => {
		for (const figure of figures) render(null, figure);
	};
}
