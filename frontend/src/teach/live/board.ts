/** What a class's page knows, and how each event changes it: pure. The server builds the same from stored facts. */
import type { Board, Cell, ClassLab, FunnelStep, Grid, GridEvent, Row } from "../../api/classes";

export const blank: Cell = { state: "none" };

/** The learner's cell of a lab's step; labs that nobody has opened are not sent. */
export const cellOf = (row: Row, lab: string, step: number): Cell => row.cells[lab]?.[step] ?? blank;

/** Replaces what an event names; everything else stays the same object, so that only what changed is drawn anew. */
export function reduceGrid(grid: Grid | null, event: GridEvent): Grid | null {
	if (event.name === "grid") return event.data;
	if (!grid) return null;
	switch (event.name) {
		case "class":
			return { ...grid, class: event.data };
		case "board":
			return { ...grid, board: { ...event.data, causes: event.data.causes ?? grid.board.causes } };
		case "rows":
			return { ...grid, rows: put(grid.rows, event.data.rows) };
		case "message":
			// It comes again where the stream broke before its number did.
			if (grid.messages.some((one) => one.id === event.data.id)) return grid;
			return { ...grid, messages: [...grid.messages, event.data].slice(-50) };
		case "thumb":
			return grid;
	}
}

function put(all: readonly Row[], some: readonly Row[]): Row[] {
	const rows = new Map(all.map((row) => [row.member, row]));
	for (const row of some) {
		if (row.gone) rows.delete(row.member);
		else rows.set(row.member, row);
	}
	return [...rows.values()];
}

/** Who needs help the most comes first, as the server sees it; all others go by name, so that nobody jumps for nothing. */
export function byNeed(rows: readonly Row[], help: Board["help"]): string[] {
	const names = new Intl.Collator(["ko", "en"], { numeric: true });
	const rank = new Map<string, number>();
	for (const { member } of help) if (!rank.has(member)) rank.set(member, rank.size);
	const of = (row: Row) => rank.get(row.member) ?? Number.POSITIVE_INFINITY;
	return [...rows]
		.sort((a, b) => (of(a) === of(b) ? names.compare(a.name, b.name) || (a.member < b.member ? -1 : 1) : of(a) - of(b)))
		.map((row) => row.member);
}

/** The order that is shown, kept while somebody points into it: newcomers come at the end, who has left is gone. */
export function held(shown: readonly string[], right: readonly string[]): string[] {
	const there = new Set(right);
	const kept = shown.filter((id) => there.has(id));
	const known = new Set(kept);
	return [...kept, ...right.filter((id) => !known.has(id))];
}

/** The lab in which most of the class is now; the first where nobody is anywhere. */
export function busiest(labs: readonly ClassLab[], rows: readonly Row[]): string {
	const counts = new Map<string, number>();
	for (const { lab } of rows) if (lab) counts.set(lab, (counts.get(lab) ?? 0) + 1);
	let best = labs[0]?.name ?? "";
	for (const { name } of labs) if ((counts.get(name) ?? 0) > (counts.get(best) ?? 0)) best = name;
	return best;
}

/** The sums of a lab's step, for a server that has not sent any yet. */
export const emptyFunnel = (step: string): FunnelStep => ({
	step,
	reached: 0,
	trying: 0,
	failed: 0,
	passed: 0,
	medianSeconds: null,
});

/** How the time on a step stands to the class's median: what is a multiple of it deserves a look. */
export function pace(seconds: number, median: number | null): "usual" | "slow" | "long" {
	if (median === null || median <= 0 || seconds < 60) return "usual";
	if (seconds >= 3 * median) return "long";
	return seconds >= 2 * median ? "slow" : "usual";
}

/** How long, in the form of a stopwatch: 0:42, 12:05, 1:02:00. */
export function stopwatch(seconds: number): string {
	const whole = Math.max(0, Math.floor(seconds));
	const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
	const two = (n: number) => String(n).padStart(2, "0");
	return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The server takes no more. */
const mostAsked = 100;
/** How many may be off the screen again before the page asks anew. */
const slack = 24;

/** Whose networks to ask for, where these are on the screen: those of before, as long as they are enough and not far too many. */
export function asked(before: readonly string[], screen: readonly string[]): readonly string[] {
	const now = screen.slice(0, mostAsked);
	const known = new Set(before);
	if (now.length > 0 && now.every((member) => known.has(member)) && before.length <= now.length + slack) return before;
	return now;
}
