/** A step's questions: a value to type, or one of several answers. */
import { useEffect, useId, useState } from "preact/hooks";
import type { CheckState, LabStep, Question, StepState } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { CheckMark } from "./Checks";
import type { LabStore } from "./store";

const text = catalogue(
	{
		label: "Question",
		answer: "Answer",
		checking: "Checking…",
		right: "Right.",
		wrong: "Not right.",
		placeholder: "Your answer",
	},
	{
		label: "질문",
		answer: "답하기",
		checking: "확인하는 중…",
		right: "맞습니다.",
		wrong: "맞지 않습니다.",
		placeholder: "답을 입력합니다",
	},
);

/** The outcome of each question: the step's answer checks have the same order as its questions. */
export function outcomes(step: LabStep, state: StepState): Array<CheckState | undefined> {
	const checks = state.checks.filter((check) => check.kind === "answer");
	return step.answers.map((_, i) => checks[i]);
}

interface Props {
	store: LabStore;
	step: LabStep;
	state: StepState;
}

export function Questions({ store, step, state }: Props) {
	const results = outcomes(step, state);
	return (
		<>
			{step.answers.map((question, i) => (
				<QuestionForm
					key={question.name}
					store={store}
					step={step.id}
					question={question}
					given={state.answers[question.name]}
					result={results[i]}
				/>
			))}
		</>
	);
}

interface FormProps {
	store: LabStore;
	step: string;
	question: Question;
	given: string | undefined;
	result: CheckState | undefined;
}

function QuestionForm({ store, step, question, given, result }: FormProps) {
	const t = text();
	return (
		<Ask
			label={t.label}
			button={t.answer}
			question={question}
			name={`${step}-${question.name}`}
			given={given}
			busy={store.pending.value.has(`answer:${step}:${question.name}`)}
			result={result}
			submit={(value) => void store.answer(step, question.name, value)}
		/>
	);
}

interface AskProps {
	label: string;
	button: string;
	question: Question;
	/** Of the fields, for tests. */
	name: string;
	given?: string | undefined;
	busy: boolean;
	result?: CheckState | undefined;
	submit: (value: string) => void;
}

/** A question with its field or its choices. */
export function Ask({ label, button, question, name, given, busy, result, submit }: AskProps) {
	const t = text();
	const id = useId();
	const [value, setValue] = useState(given ?? "");
	// Another tab, or the other language, may bring another value.
	useEffect(() => {
		if (given !== undefined) setValue(given);
	}, [given]);
	// The outcome is that of the value that was given, not of the one being typed.
	const shown = given !== undefined && given !== "" && result && value === given ? result : undefined;
	const state = shown ? (shown.ok ? "ok" : "not") : "unknown";

	const send = (event: Event) => {
		event.preventDefault();
		if (!busy && value.trim() !== "") submit(value.trim());
	};
	const answer = (
		<button type="submit" data-testid={`submit-${name}`} aria-busy={busy}>
			{busy ? t.checking : button}
		</button>
	);

	return (
		<form class="question" data-state={state} onSubmit={send}>
			<p class="label">{label}</p>
			{question.choices ? (
				<fieldset data-testid={`answer-${name}`} aria-describedby={`${id}-result`}>
					<legend>{question.question}</legend>
					{question.choices.map((choice) => (
						<label key={choice} class="choice">
							<input
								type="radio"
								name={`${id}-choice`}
								value={choice}
								checked={value === choice}
								onChange={() => setValue(choice)}
							/>
							<span>{choice}</span>
						</label>
					))}
					{answer}
				</fieldset>
			) : (
				<>
					<label for={`${id}-value`}>{question.question}</label>
					<div class="typed">
						<input
							id={`${id}-value`}
							type="text"
							class="mono"
							data-testid={`answer-${name}`}
							value={value}
							placeholder={t.placeholder}
							maxLength={256}
							autocomplete="off"
							autocapitalize="off"
							spellcheck={false}
							aria-invalid={shown ? !shown.ok : undefined}
							aria-describedby={`${id}-result`}
							onInput={(e) => setValue(e.currentTarget.value)}
						/>
						{answer}
					</div>
				</>
			)}
			<p id={`${id}-result`} class="question-result" role="status">
				{shown && (
					<>
						<CheckMark state={shown.ok ? "ok" : "not"} />
						<span>
							<Verdict check={shown} choice={question.choices !== null} />
						</span>
					</>
				)}
			</p>
		</form>
	);
}

/** Of a choice, what was chosen has its own reason; of a value, the server's sentence is the verdict. */
function Verdict({ check, choice }: { check: CheckState; choice: boolean }) {
	const t = text();
	if (check.ok) return check.why || <strong>{t.right}</strong>;
	return choice ? (
		<>
			<strong>{t.wrong}</strong> {check.why}
		</>
	) : (
		<strong>{check.why || t.wrong}</strong>
	);
}
