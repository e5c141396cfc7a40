/** The lab page's keyboard: from pane to pane, and from step to step. */
import { singleKeys } from "../state/prefs";
import { narrow, type Pane, panes, reveal } from "./layout";

/** Where the focus was in each pane, so that coming back goes on there. */
const last = new Map<Pane, HTMLElement>();

const sectionOf = (pane: Pane) => document.getElementById(pane);

/** The pane that has the focus. */
export function focusedPane(): Pane | undefined {
	return panes.find((pane) => sectionOf(pane)?.contains(document.activeElement));
}

/** The pane after (or before) one, around; without one, the first (or the last). */
export function neighbour(from: Pane | undefined, by: 1 | -1, among: readonly Pane[]): Pane | undefined {
	const at = from === undefined ? (by === 1 ? -1 : 0) : among.indexOf(from);
	return among[(at + by + among.length) % among.length];
}

const canHaveFocus = (element: HTMLElement) => element.isConnected && element.getClientRects().length > 0;

/** Brings the focus into a pane: where it was, in a terminal to its keyboard, else to the pane itself. */
export function focusPane(pane: Pane): void {
	reveal(pane);
	// A pane that was folded is laid out first.
	requestAnimationFrame(() => {
		const section = sectionOf(pane);
		if (!section) return;
		const before = last.get(pane);
		const typed = [...section.querySelectorAll<HTMLElement>("textarea")].find(canHaveFocus);
		const target = before && section.contains(before) && canHaveFocus(before) ? before : (typed ?? section);
		target.focus({ preventScroll: target === section });
	});
}

const typing = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable], [role=menu]";

/** Whether a letter typed here belongs to what has the focus. */
export function takesText(target: EventTarget | null): boolean {
	return target instanceof Element && target.closest(typing) !== null;
}

export interface KeyActions {
	check: () => void;
}

/** The lesson's step in which the reader is: the one with the focus, else the last that begins above the middle. */
function stepIndex(steps: HTMLElement[], lesson: HTMLElement): number {
	const focused = steps.findIndex((step) => step.contains(document.activeElement));
	if (focused >= 0) return focused;
	const box = lesson.getBoundingClientRect();
	return steps.findLastIndex((step) => step.getBoundingClientRect().top < box.top + box.height / 2);
}

function moveStep(by: 1 | -1): void {
	const lesson = sectionOf("lesson");
	if (!lesson) return;
	const steps = [...lesson.querySelectorAll<HTMLElement>(".step, .lesson-end")];
	const to = steps[Math.min(steps.length - 1, Math.max(0, stepIndex(steps, lesson) + by))];
	if (!to) return;
	to.scrollIntoView({ block: "start" });
	to.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}

/** Listens as long as the page is shown; returns what ends that. */
export function listenToKeys(actions: KeyActions): () => void {
	const abort = new AbortController();
	addEventListener(
		"keydown",
		(event) => {
			if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
			if (event.key === "F6") {
				const open = narrow.peek() ? panes : panes.filter((pane) => sectionOf(pane)?.getClientRects().length);
				const to = neighbour(focusedPane(), event.shiftKey ? -1 : 1, open);
				// Before a terminal sees it: the way out must not depend on the shell.
				event.preventDefault();
				event.stopPropagation();
				if (to) focusPane(to);
				return;
			}
			if (!singleKeys.peek() || takesText(event.target)) return;
			const pane = focusedPane();
			if (pane !== "lesson" && document.activeElement !== document.body) return;
			if (event.key === "n") moveStep(1);
			else if (event.key === "p") moveStep(-1);
			else if (event.key === "c") actions.check();
			else return;
			event.preventDefault();
		},
		{ capture: true, signal: abort.signal },
	);
	document.addEventListener(
		"focusin",
		(event) => {
			const pane = focusedPane();
			if (pane && event.target instanceof HTMLElement && event.target.id !== pane) last.set(pane, event.target);
		},
		{ signal: abort.signal },
	);
	return () => {
		abort.abort();
		last.clear();
	};
}
