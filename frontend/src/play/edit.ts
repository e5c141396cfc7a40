/** What keys do to a text of YAML, and where things stand in it: pure. */

export interface Edit {
	/** What is replaced, and by what. */
	from: number;
	to: number;
	insert: string;
	/** What is selected afterwards. */
	start: number;
	end: number;
}

const indent = "  ";

const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;

/** Tab: an indentation at the caret, or of all lines that are selected. */
export function tab(text: string, start: number, end: number, back: boolean): Edit | null {
	if (!back && !text.slice(start, end).includes("\n")) {
		const width = indent.length - ((start - lineStart(text, start)) % indent.length);
		const insert = " ".repeat(width);
		return { from: start, to: end, insert, start: start + width, end: start + width };
	}
	const from = lineStart(text, start);
	// A line of which nothing is selected stays.
	const last = end > start && text[end - 1] === "\n" ? end - 1 : end;
	const behind = text.indexOf("\n", last);
	const to = behind < 0 ? text.length : behind;
	const old = text.slice(from, to);
	const lines = old.split("\n");
	const changed = lines.map((line) => (back ? line.replace(/^ {1,2}|^\t/, "") : line === "" ? line : indent + line));
	const insert = changed.join("\n");
	if (insert === old) return null;
	const first = (changed[0] as string).length - (lines[0] as string).length;
	return {
		from,
		to,
		insert,
		start: Math.max(from, start + first),
		end: Math.max(from, end + insert.length - old.length),
	};
}

/** Enter: a new line that is indented as this one, and once more behind a colon. */
export function enter(text: string, start: number, end: number): Edit {
	const line = text.slice(lineStart(text, start), start);
	const blank = /^ */.exec(line)?.[0] ?? "";
	const insert = `\n${blank}${/:\s*$/.test(line) ? indent : ""}`;
	return { from: start, to: end, insert, start: start + insert.length, end: start + insert.length };
}

/** The offset of a place as the server names it: lines and columns from 1. Columns count characters, not UTF-16. */
export function offsetOf(text: string, line: number, column: number): number {
	const lines = text.split("\n");
	const before = lines.slice(0, Math.max(0, line - 1));
	const start = before.reduce((sum, l) => sum + l.length + 1, 0);
	const chars = [...(lines[line - 1] ?? "")].slice(0, Math.max(0, column - 1));
	return Math.min(text.length, start + chars.join("").length);
}

/** The line, from 1, at which a host or switch is written; 0 if it is not found. */
export function lineOfNode(text: string, name: string): number {
	const at = text.split("\n").findIndex((line) => {
		const key = /^ *(?:[{,] *)?(?:hosts: *\{ *|switches: *\{ *)?"?([\w-]+)"?:(?: |$)/.exec(line);
		return key?.[1] === name;
	});
	return at + 1;
}
