/** The part of a cheat sheet that fits what was typed. */
import type { CheatLab, CheatSheet } from "../api/types";

/** What HTML reads like. */
function plain(html: string): string {
	return new DOMParser().parseFromString(html, "text/html").body.textContent ?? "";
}

/** Keeps the rows in which every word stands; the title of a lab counts for all its rows. */
export function matching(sheet: CheatSheet, typed: string): CheatSheet {
	const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
	if (words.length === 0) return sheet;
	const fits = (...texts: string[]) => {
		const text = texts.join(" ").toLowerCase();
		return words.every((word) => text.includes(word));
	};
	const narrow = (lab: CheatLab): CheatLab => ({
		...lab,
		learned: lab.learned.filter((row) => fits(lab.title, plain(row.command), plain(row.does))),
		typed: lab.typed
			.map((step) => ({ ...step, commands: step.commands.filter((c) => fits(lab.title, step.title, c.code, c.host)) }))
			.filter((step) => step.commands.length > 0),
	});
	return {
		...sheet,
		chapters: sheet.chapters
			.map((chapter) => ({
				...chapter,
				labs: chapter.labs.map(narrow).filter((lab) => lab.learned.length + lab.typed.length > 0),
			}))
			.filter((chapter) => chapter.labs.length > 0),
	};
}
