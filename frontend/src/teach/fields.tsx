/** The fields of the teacher's forms, each with its label and what is to be known about it. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Props {
	label: string;
	value: string;
	onInput: (value: string) => void;
	type?: "text" | "password" | "date" | "number";
	note?: ComponentChildren;
	required?: boolean;
	autocomplete?: string;
	minLength?: number;
	maxLength?: number;
	/** Typed as it is: codes, names of accounts. */
	exact?: boolean;
	testid?: string;
	narrow?: boolean;
	/** The one thing that a page asks for. */
	big?: boolean;
}

export function Field(props: Props) {
	const { label, value, onInput, type = "text", note, exact } = props;
	const id = useId();
	return (
		<p class={`field${props.narrow ? " narrow" : ""}${props.big ? " big" : ""}`}>
			<label for={id}>{label}</label>
			<input
				id={id}
				// Preact's types want to know which one it is.
				type={type as "text"}
				value={value}
				required={props.required}
				minLength={props.minLength}
				maxLength={props.maxLength}
				min={type === "number" ? 0 : undefined}
				autoComplete={props.autocomplete ?? "off"}
				spellcheck={exact ? false : undefined}
				autocapitalize={exact ? "off" : undefined}
				data-testid={props.testid}
				aria-describedby={note ? `${id}-note` : undefined}
				onInput={(event) => onInput(event.currentTarget.value)}
			/>
			{note && (
				<small id={`${id}-note`} class="field-note">
					{note}
				</small>
			)}
		</p>
	);
}

export function Choice<T extends string>(props: {
	label: string;
	value: T;
	options: readonly [T, string][];
	onChange: (value: T) => void;
	note?: ComponentChildren;
	testid?: string;
}) {
	const id = useId();
	return (
		<p class="field narrow">
			<label for={id}>{props.label}</label>
			<select
				id={id}
				value={props.value}
				data-testid={props.testid}
				aria-describedby={props.note ? `${id}-note` : undefined}
				onChange={(event) => props.onChange(event.currentTarget.value as T)}
			>
				{props.options.map(([value, label]) => (
					<option key={value} value={value}>
						{label}
					</option>
				))}
			</select>
			{props.note && (
				<small id={`${id}-note`} class="field-note">
					{props.note}
				</small>
			)}
		</p>
	);
}

export function Switch(props: {
	label: string;
	checked: boolean;
	onChange: (checked: boolean) => void;
	note?: ComponentChildren;
	testid?: string;
}) {
	return (
		<label class="option">
			<input
				type="checkbox"
				checked={props.checked}
				data-testid={props.testid}
				onChange={(event) => props.onChange(event.currentTarget.checked)}
			/>
			<span>
				{props.label}
				{props.note && <small>{props.note}</small>}
			</span>
		</label>
	);
}
