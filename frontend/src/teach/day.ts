import { language } from "../state/prefs";

/** A date of a class, as its reader writes dates. */
export const day = (date: string): string =>
	new Date(`${date}T12:00:00`).toLocaleDateString(language.value, { dateStyle: "medium" });
