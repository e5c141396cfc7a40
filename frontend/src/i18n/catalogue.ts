import type { Language } from "../api/types";
import { language } from "../state/prefs";

type Entry = string | ((...args: never[]) => string);

/** The same keys with the same parameters, in another language. */
export type Translation<T> = {
	[K in keyof T]: T[K] extends (...args: infer A) => string ? (...args: A) => string : string;
};

/**
 * A component's texts in both languages. A key that one of them lacks, or
 * that takes other parameters, does not compile. The result reads the
 * language signal, so a component that calls it follows the language:
 *
 *	const text = catalogue({ run: "Run" }, { run: "실행" });
 *	<button>{text().run}</button>
 */
export function catalogue<const T extends Record<string, Entry>>(
	en: T,
	ko: Translation<NoInfer<T>>,
): { (): Translation<T>; all: Record<Language, Translation<T>> } {
	const all: Record<Language, Translation<T>> = { en: en as unknown as Translation<T>, ko: ko as Translation<T> };
	return Object.assign(() => all[language.value], { all });
}
