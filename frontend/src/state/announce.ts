/** Sentences for screen readers: a polite one waits for a pause in what is being read. */
import { signal } from "@preact/signals";

/** The number makes a sentence that is said twice a change twice. */
export const announcement = signal<{ text: string; n: number }>({ text: "", n: 0 });

export function announce(text: string): void {
	announcement.value = { text, n: announcement.peek().n + 1 };
}
