/** How the learner wants terminals to be, remembered in this browser. */
import { computed, signal } from "@preact/signals";
import { load, save } from "../state/storage";

interface Stored {
	size?: number;
	reader?: boolean;
}

const key = "netground.terminal";
export const sizes = { min: 10, normal: 14, max: 28 } as const;

const prefs = signal<Stored>(load<Stored>(key, {}));

const sane = (size: unknown): number =>
	typeof size === "number" && Number.isFinite(size)
		? Math.min(sizes.max, Math.max(sizes.min, Math.round(size)))
		: sizes.normal;

/** Of the letters, in pixels where the browser's own size is 16. */
export const fontSize = computed(() => sane(prefs.value.size));

/** What is printed is kept in the page as text for a screen reader. */
export const screenReader = computed(() => prefs.value.reader === true);

function change(part: Stored): void {
	prefs.value = { ...prefs.value, ...part };
	save(key, prefs.value);
}

export const setFontSize = (size: number): void => change({ size: sane(size) });
export const setScreenReader = (reader: boolean): void => change({ reader });
