/** Reads a recording (asciicast v3: https://docs.asciinema.org/manual/asciicast/v3/), and says what happened until when. Pure. */

export type CastEvent =
	| { at: number; kind: "output"; text: string }
	| { at: number; kind: "size"; cols: number; rows: number }
	| { at: number; kind: "mark"; label: string };

export interface Cast {
	cols: number;
	rows: number;
	/** Seconds. */
	length: number;
	events: CastEvent[];
}

/** Longer pauses than this are cut short: nobody wants to watch somebody think. */
export const longestPause = 2;

/** A line that is none of the format's is left out: a recording that was cut off is still worth seeing. */
export function parseCast(text: string): Cast | null {
	const [first = "", ...lines] = text.split("\n");
	const header = json(first) as { version?: number; term?: { cols?: number; rows?: number } } | null;
	if (header?.version !== 3) return null;
	const cast: Cast = { cols: header.term?.cols || 80, rows: header.term?.rows || 24, length: 0, events: [] };
	let at = 0;
	for (const line of lines) {
		const value = line.startsWith("[") ? json(line) : null;
		if (!Array.isArray(value) || typeof value[0] !== "number" || !(value[0] >= 0)) continue;
		at += value[0];
		const event = eventOf(at, value[1], String(value[2] ?? ""));
		if (event) cast.events.push(event);
	}
	cast.length = at;
	return cast;
}

function eventOf(at: number, code: unknown, data: string): CastEvent | null {
	if (code === "o") return { at, kind: "output", text: data };
	if (code === "m") return { at, kind: "mark", label: data };
	const size = code === "r" ? /^(\d+)x(\d+)$/.exec(data) : null;
	return size ? { at, kind: "size", cols: Number(size[1]), rows: Number(size[2]) } : null;
}

function json(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/** How many of the events lie before a time, or at it. */
export function countUntil(events: readonly { at: number }[], at: number): number {
	let [low, high] = [0, events.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((events[middle]?.at ?? 0) <= at) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** Where the playing is after so much time, with long pauses cut short. */
export function advance(cast: Cast, from: number, seconds: number, speed: number): number {
	const to = from + seconds * speed;
	const next = cast.events[countUntil(cast.events, from)];
	if (!next) return Math.min(cast.length, to);
	// Within a pause that is too long, the rest of it is skipped.
	const before = cast.events[countUntil(cast.events, from) - 1]?.at ?? 0;
	if (next.at - before > longestPause && to - before > longestPause && to < next.at) return next.at;
	return Math.min(cast.length, to);
}
