/** How the lab page's three panes share the window; remembered in this browser. */
import { computed, signal } from "@preact/signals";
import { load, save } from "../state/storage";

export type Pane = "lesson" | "diagram" | "terminals";
export const panes: readonly Pane[] = ["lesson", "diagram", "terminals"];

/** Beside each other, or the diagram over the terminals. */
export type Arrangement = "columns" | "stacked";

export interface Layout {
	/** The lesson's part of the width. */
	lesson: number;
	/** The diagram's part of what the lesson leaves: of its height, or of its width. */
	stacked: number;
	columns: number;
	collapsed: Pane[];
	/** The network as a table instead of a diagram. */
	table: boolean;
	/** Absent: not chosen yet. */
	arrangement?: Arrangement;
}

export const defaults: Layout = { lesson: 0.38, stacked: 0.38, columns: 0.45, collapsed: [], table: false };

export const limits = { min: 0.15, max: 0.85 };

export const clamp = (value: number): number => Math.min(limits.max, Math.max(limits.min, value));

const key = "netground.layout";

/** A layout out of whatever the storage held. */
export function sane(value: Partial<Layout> | null): Layout {
	const part = (v: unknown, fallback: number) => (typeof v === "number" && Number.isFinite(v) ? clamp(v) : fallback);
	const collapsed = Array.isArray(value?.collapsed) ? panes.filter((pane) => value?.collapsed?.includes(pane)) : [];
	const arrangement = value?.arrangement;
	return {
		lesson: part(value?.lesson, defaults.lesson),
		stacked: part(value?.stacked, defaults.stacked),
		columns: part(value?.columns, defaults.columns),
		collapsed: collapsed.length < panes.length ? collapsed : [],
		table: value?.table === true,
		...(arrangement === "columns" || arrangement === "stacked" ? { arrangement } : {}),
	};
}

export const layout = signal<Layout>(sane(load<Partial<Layout>>(key, {})));

/** The window's width, for what depends on it beyond CSS. */
const width = signal(window.innerWidth);
window.addEventListener("resize", () => {
	width.value = window.innerWidth;
});

/** Below this, one pane at a time fills the window. */
export const narrow = computed(() => width.value < 800);

/** Networks and lines of output are wide: one above the other, both have the width. */
export const arrangement = computed<Arrangement>(() => layout.value.arrangement ?? "stacked");

/** The pane that is shown where there is room for one. */
export const solo = signal<Pane>("lesson");

export function change(part: Partial<Layout>): void {
	layout.value = sane({ ...layout.value, ...part });
	save(key, layout.value);
}

/** Folds a pane, or unfolds it. The last open one stays open. */
export function toggle(pane: Pane): void {
	const { collapsed } = layout.value;
	if (collapsed.includes(pane)) change({ collapsed: collapsed.filter((p) => p !== pane) });
	else if (collapsed.length < panes.length - 1) change({ collapsed: [...collapsed, pane] });
}

/** Makes sure that a pane can be seen. */
export function reveal(pane: Pane): void {
	solo.value = pane;
	if (layout.value.collapsed.includes(pane)) toggle(pane);
}
