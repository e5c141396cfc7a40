/** The line between two panes: dragged, moved by arrow keys, or brought back by a double click. */
import { useRef } from "preact/hooks";
import { clamp, limits } from "../lab/layout";

interface Props {
	/** Of the line itself: a vertical one parts left from right. */
	orientation: "vertical" | "horizontal";
	label: string;
	/** The part of the first pane, 0 to 1. */
	value: number;
	initial: number;
	controls: string;
	onChange: (value: number) => void;
}

export function Separator({ orientation, label, value, initial, controls, onChange }: Props) {
	const ref = useRef<HTMLDivElement>(null);
	const vertical = orientation === "vertical";

	const drag = (event: PointerEvent) => {
		const line = ref.current as HTMLDivElement;
		const box = (line.parentElement as HTMLElement).getBoundingClientRect();
		onChange(clamp(vertical ? (event.clientX - box.left) / box.width : (event.clientY - box.top) / box.height));
	};

	const keys = (event: KeyboardEvent) => {
		if (event.ctrlKey || event.altKey || event.metaKey) return;
		const step = event.shiftKey ? 0.1 : 0.02;
		const to = {
			[vertical ? "ArrowLeft" : "ArrowUp"]: value - step,
			[vertical ? "ArrowRight" : "ArrowDown"]: value + step,
			Home: limits.min,
			End: limits.max,
			Enter: initial,
		}[event.key];
		if (to === undefined) return;
		event.preventDefault();
		onChange(clamp(to));
	};

	return (
		// biome-ignore lint/a11y/useSemanticElements: an hr cannot be focused and moved
		<div
			ref={ref}
			class={`separator ${orientation}`}
			role="separator"
			tabIndex={0}
			aria-label={label}
			aria-orientation={orientation}
			aria-controls={controls}
			aria-valuenow={Math.round(value * 100)}
			aria-valuemin={Math.round(limits.min * 100)}
			aria-valuemax={Math.round(limits.max * 100)}
			onPointerDown={(e) => {
				if (e.button !== 0) return;
				e.preventDefault();
				e.currentTarget.setPointerCapture(e.pointerId);
				e.currentTarget.focus();
			}}
			onPointerMove={(e) => {
				if (e.currentTarget.hasPointerCapture(e.pointerId)) drag(e);
			}}
			onDblClick={() => onChange(initial)}
			onKeyDown={keys}
		/>
	);
}
