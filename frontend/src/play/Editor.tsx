/** A field for YAML: line numbers, indentation by Tab, marks on lines with mistakes. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { TopologyProblem } from "../api/types";
import { type Edit, enter, offsetOf, tab } from "./edit";
import { text } from "./text";

interface Props {
	value: string;
	problems: TopologyProblem[];
	/** A place to go to; a new value goes there again. */
	goal: { line: number; column: number } | null;
	onInput: (value: string) => void;
}

export function Editor({ value, problems, goal, onInput }: Props) {
	const t = text();
	const area = useRef<HTMLTextAreaElement>(null);
	const lines = useRef<HTMLOListElement>(null);
	/** After Escape, Tab leaves the field as it does everywhere. */
	const free = useRef(false);
	const marked = new Set(problems.map((problem) => problem.line));

	useLayoutEffect(() => {
		const field = area.current;
		if (!field || !goal) return;
		const at = offsetOf(field.value, goal.line, goal.column);
		field.focus({ preventScroll: true });
		field.setSelectionRange(at, at);
		const height = Number.parseFloat(getComputedStyle(field).lineHeight);
		const y = (goal.line - 1) * height;
		if (y < field.scrollTop || y > field.scrollTop + field.clientHeight - 2 * height)
			field.scrollTop = y - field.clientHeight / 3;
		field.scrollIntoView({ block: "nearest" });
	}, [goal]);

	const apply = (edit: Edit | null) => {
		const field = area.current;
		if (!field || !edit) return;
		field.setSelectionRange(edit.from, edit.to);
		// Deprecated, and yet the one way that the browser's own undo knows of.
		if (!document.execCommand("insertText", false, edit.insert)) {
			field.setRangeText(edit.insert, edit.from, edit.to);
			onInput(field.value);
		}
		field.setSelectionRange(edit.start, edit.end);
	};

	const keys = (event: KeyboardEvent) => {
		const field = area.current;
		if (!field || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
		const { selectionStart: start, selectionEnd: end } = field;
		if (event.key === "Escape") free.current = true;
		else if (event.key === "Tab" && !free.current) {
			event.preventDefault();
			apply(tab(field.value, start, end, event.shiftKey));
		} else if (event.key === "Enter" && !event.shiftKey) {
			event.preventDefault();
			apply(enter(field.value, start, end));
		} else if (event.key !== "Shift") free.current = false;
	};

	return (
		<div class="play-editor">
			<ol ref={lines} class="play-lines" aria-hidden="true">
				{value.split("\n").map((_, i) => (
					<li key={i} data-wrong={marked.has(i + 1) ? "" : undefined}>
						{i + 1}
					</li>
				))}
			</ol>
			<textarea
				ref={area}
				data-testid="topology"
				aria-label={t.editorLabel}
				aria-describedby="play-keys play-status"
				aria-invalid={problems.length > 0}
				value={value}
				spellcheck={false}
				autocomplete="off"
				autocapitalize="off"
				wrap="off"
				onInput={(event) => onInput(event.currentTarget.value)}
				onKeyDown={keys}
				onBlur={() => {
					free.current = false;
				}}
				onScroll={(event) => {
					if (lines.current) lines.current.scrollTop = event.currentTarget.scrollTop;
				}}
			/>
			<p id="play-keys" class="offscreen">
				{t.editorKeys}
			</p>
		</div>
	);
}
