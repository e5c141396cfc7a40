/** The signs of the live view. Each has a form of its own: none depends on its colour. */
import type { Presence } from "../../api/classes";
import type { Shape } from "./words";

const paths: Record<Shape, string> = {
	none: "M6.5 8h3",
	trying: "M3 3h10v10H3ZM6.5 6.5h3v3h-3Z",
	failed: "M8 2.2 14.4 13.4H1.6ZM8 6.4v3.2M8 11.4v.4",
	passed: "M2.5 2.5h11v11h-11ZM5 8.2l2.2 2.2L11.2 6",
	"caught-up": "M2.5 2.5h11v11h-11ZM5 5.5 7.5 8 5 10.5M8.5 5.5 11 8l-2.5 2.5",
	broken: "M2.5 2.5h11v11h-11ZM4 12 12 4",
};

export function StepMark({ shape }: { shape: Shape }) {
	const [frame, ...inner] = paths[shape].split(/(?<=Z)/);
	return (
		<svg class="mark-step" data-shape={shape} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
			<path class="mark-frame" d={frame} />
			{inner.length > 0 && <path class="mark-inner" d={inner.join("")} />}
		</svg>
	);
}

export function PresenceMark({ presence }: { presence: Presence }) {
	return (
		<svg class="mark-presence" data-presence={presence} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
			{presence === "off" ? <path d="M3 6h6" /> : <circle cx="6" cy="6" r={presence === "typing" ? 4.5 : 3.5} />}
			{presence === "typing" && <path class="mark-keys" d="M4 6h.01M6 6h.01M8 6h.01" />}
		</svg>
	);
}

/** A raised hand. */
export function HandMark() {
	return (
		<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
			<path d="M5.2 8.6V4.2a.9.9 0 0 1 1.8 0V7m0-.2V3a.9.9 0 0 1 1.8 0v3.8m0-.1V3.7a.9.9 0 0 1 1.8 0v5m0-2.2a.9.9 0 0 1 1.7.1v3.1c0 2.6-1.6 4.3-4 4.3-2 0-3-.9-3.9-2.6L2.6 8.9c-.5-1 .8-1.6 1.4-.8l1.2 1.7" />
		</svg>
	);
}
