/**
 * Who looks at a terminal. A reload is the same viewer, so that the keyboard
 * and the count of typed bytes stay its own; a second tab of the same page is
 * another one. A copied tab copies the session storage too, so an id lies
 * there only between the end of one page and the start of the next.
 */
const key = (terminal: string): string => `netground.viewer.${terminal}`;

export class Viewers {
	#ids = new Map<string, string>();
	#storage: Storage;
	#abort = new AbortController();

	constructor(storage: Storage = sessionStorage, target: EventTarget = window) {
		this.#storage = storage;
		const { signal } = this.#abort;
		target.addEventListener("pagehide", () => this.leave(), { signal });
		target.addEventListener("pageshow", () => this.#claim(), { signal });
	}

	/** This page's id for the terminal. */
	id(terminal: string): string {
		const known = this.#ids.get(terminal) ?? this.#take(terminal) ?? random();
		this.#ids.set(terminal, known);
		return known;
	}

	/** The terminal is closed. */
	forget(terminal: string): void {
		this.#ids.delete(terminal);
		this.#take(terminal);
	}

	/** Leaves the ids to the page that comes next in this tab. */
	leave(): void {
		try {
			for (const [terminal, id] of this.#ids) this.#storage.setItem(key(terminal), id);
		} catch {
			// Then the next page is a new viewer, and gets the keyboard when this one's connection ends.
		}
	}

	dispose(): void {
		this.leave();
		this.#abort.abort();
	}

	#claim(): void {
		for (const terminal of this.#ids.keys()) this.#take(terminal);
	}

	#take(terminal: string): string | null {
		try {
			const id = this.#storage.getItem(key(terminal));
			this.#storage.removeItem(key(terminal));
			return id;
		} catch {
			return null;
		}
	}
}

// crypto.randomUUID is for secure origins only; a classroom's server has none.
function random(): string {
	return [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
