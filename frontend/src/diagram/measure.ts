/** How much room text takes, near enough, without asking a browser. */

/** The widths of characters as parts of the font's size; on the safe side of the faces in tokens.css. */
const monoWidth = 0.61;
const sansWidth = 0.58;
const wideMono = 1.22;
const wideSans = 1;

/** Hangul, Han, kana and full-width forms: two columns of a terminal. */
function isWide(code: number): boolean {
	return (
		(code >= 0x1100 && code <= 0x115f) ||
		(code >= 0x2e80 && code <= 0xa4cf) ||
		(code >= 0xac00 && code <= 0xd7a3) ||
		(code >= 0xf900 && code <= 0xfaff) ||
		(code >= 0xfe30 && code <= 0xfe6f) ||
		(code >= 0xff00 && code <= 0xff60) ||
		code >= 0x1f300
	);
}

export function width(text: string, size: number, face: "mono" | "sans" = "mono"): number {
	let sum = 0;
	for (const char of text) {
		const wide = isWide(char.codePointAt(0) ?? 0);
		sum += face === "mono" ? (wide ? wideMono : monoWidth) : wide ? wideSans : sansWidth;
	}
	return sum * size;
}

/** Text that was shortened, if it had to be, and all of it. */
export interface Line {
	text: string;
	full: string;
}

/** Keeps the start of a name. */
export function shorten(full: string, max: number): Line {
	const chars = [...full];
	return { text: chars.length > max ? `${chars.slice(0, max - 1).join("")}…` : full, full };
}

/** Keeps both ends of an address: its network, and its host with the prefix. */
export function shortenMiddle(full: string, max: number): Line {
	if (full.length <= max) return { text: full, full };
	const tail = Math.floor((max - 1) / 2);
	return { text: `${full.slice(0, max - 1 - tail)}…${full.slice(-tail)}`, full };
}
