/** What the learner wrote, kept in this browser; and the same as the end of a link. */
import { load, save } from "../state/storage";

const key = "netground.playground";

interface Stored {
	text: string;
	started: string;
}

function read(): Stored {
	const { text, started } = load<Partial<Stored>>(key, {});
	return { text: typeof text === "string" ? text : "", started: typeof started === "string" ? started : "" };
}

export const draft = {
	/** As it was left in the editor; empty at the first visit. */
	get text(): string {
		return read().text;
	},
	set text(text: string) {
		save(key, { ...read(), text });
	},
	/** As it was started last. */
	get started(): string {
		return read().started;
	},
	set started(started: string) {
		save(key, { ...read(), started });
	},
};

const prefix = "#topology=";

/** The end of an address that carries the text: nothing of it is sent to a server. */
export function toFragment(text: string): string {
	const bytes = new TextEncoder().encode(text);
	let binary = "";
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return prefix + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The text that an address carries; null if it carries none, or one that is too long or broken. */
export function fromFragment(hash: string, max: number): string | null {
	if (!hash.startsWith(prefix) || hash.length > prefix.length + Math.ceil((max * 4) / 3)) return null;
	try {
		const binary = atob(hash.slice(prefix.length).replaceAll("-", "+").replaceAll("_", "/"));
		return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
	} catch {
		return null;
	}
}
