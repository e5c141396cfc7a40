/** The page's own icons: strokes of 1.5 on a grid of 16, in the colour of the text. All are decoration; the text beside says it. */
import type { ComponentChildren } from "preact";

function icon(children: ComponentChildren) {
	return () => (
		<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
			{children}
		</svg>
	);
}

export const Play = icon(
	<path class="fill" d="M4.5 2.8v10.4a.5.5 0 0 0 .77.42l8-5.2a.5.5 0 0 0 0-.84l-8-5.2a.5.5 0 0 0-.77.42Z" />,
);
export const Copy = icon(
	<>
		<rect x="5.5" y="5.5" width="8" height="8" rx="1" />
		<path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" />
	</>,
);
export const Tick = icon(<path d="m3 8.5 3.2 3.2L13 4.8" />);
export const Cross = icon(<path d="m4 4 8 8M12 4l-8 8" />);
export const Sun = icon(
	<>
		<circle cx="8" cy="8" r="2.8" />
		<path d="M8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1" />
	</>,
);
export const Moon = icon(<path d="M13.2 9.6A5.7 5.7 0 0 1 6.4 2.8a5.7 5.7 0 1 0 6.8 6.8Z" />);
export const Pause = icon(<path d="M5.5 3v10M10.5 3v10" />);
export const Move = icon(<path d="M1.5 8c1.6-4 3.2-4 4.8 0s3.2 4 4.8 0 2.4-3 3.4-2" />);
export const Help = icon(
	<>
		<circle cx="8" cy="8" r="6" />
		<path d="M6.2 6.3a1.8 1.8 0 1 1 2.6 1.6c-.5.3-.8.6-.8 1.3M8 11.2v.2" />
	</>,
);
export const Clock = icon(
	<>
		<circle cx="8" cy="8" r="6" />
		<path d="M8 4.5V8l2.3 1.6" />
	</>,
);
export const Again = icon(<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.2v2.6h-2.6" />);
export const Power = icon(<path d="M8 1.8v6M4.6 4.2a5 5 0 1 0 6.8 0" />);
export const Bulb = icon(<path d="M6 12.2h4M6.6 14.2h2.8M6 12c0-1.6-2-2.3-2-5a4 4 0 0 1 8 0c0 2.7-2 3.4-2 5" />);
export const Eye = icon(
	<>
		<path d="M1.5 8S4 3.6 8 3.6 14.5 8 14.5 8 12 12.4 8 12.4 1.5 8 1.5 8Z" />
		<circle cx="8" cy="8" r="1.9" />
	</>,
);
export const Skip = icon(<path d="M3 3.5 7.5 8 3 12.5M8.5 3.5 13 8l-4.5 4.5" />);
export const Down = icon(<path d="m3.5 6 4.5 4.5L12.5 6" />);
export const Left = icon(<path d="M10 3.5 5.5 8l4.5 4.5" />);
export const Right = icon(<path d="M6 3.5 10.5 8 6 12.5" />);
export const Arrow = icon(<path d="M2.5 8h11M9.5 4l4 4-4 4" />);
export const Columns = icon(
	<>
		<rect x="2" y="2.5" width="12" height="11" rx="1" />
		<path d="M6 2.5v11M10 2.5v11" />
	</>,
);
export const Stacked = icon(
	<>
		<rect x="2" y="2.5" width="12" height="11" rx="1" />
		<path d="M6 2.5v11M6 7.5h8" />
	</>,
);
export const Fold = icon(
	<>
		<path d="M2.5 3v10" />
		<path d="M13.5 8h-8M8.5 5l-3 3 3 3" />
	</>,
);
export const Table = icon(
	<>
		<rect x="2" y="3" width="12" height="10" rx="1" />
		<path d="M2 6.5h12M2 9.8h12M6.5 6.5V13" />
	</>,
);
export const Graph = icon(
	<>
		<rect x="1.8" y="9.5" width="4" height="4" />
		<rect x="10.2" y="9.5" width="4" height="4" />
		<rect x="6" y="2.5" width="4" height="4" />
		<path d="M6.5 6.5 4 9.5M9.5 6.5l2.5 3" />
	</>,
);

/** The mark: a cable that leaves a port and ends in its light. */
export function Mark() {
	return (
		<svg class="mark" viewBox="0 0 32 32" width="20" height="20" aria-hidden="true" focusable="false">
			<path d="M7 26V7l18 18V6" />
			<circle cx="25" cy="6" r="3.5" />
		</svg>
	);
}
