/**
 * A session's server-sent events, for as long as somebody listens. The
 * connection is made anew by this file and not by EventSource: it gives up for
 * good on any HTTP error, knows no growing delay, and does not notice that a
 * laptop slept. The server begins each connection with a full set, so nothing
 * is missed between two.
 */
import type { Membership } from "./classes";
import type { HostState, LabChange, NetworkState, Notice, Progress, Session, StepState, Terminal } from "./types";

export type SessionEvent =
	| { name: "session"; data: Session }
	| { name: "state"; data: NetworkState }
	| { name: "step"; data: StepState }
	| { name: "terminal"; data: Terminal }
	| { name: "host"; data: HostState }
	| { name: "progress"; data: Progress }
	| { name: "notice"; data: Notice }
	| { name: "lab"; data: LabChange }
	| { name: "class"; data: Membership };

export type Connection = "connecting" | "live" | "lost";

const names: readonly string[] = ["session", "state", "step", "terminal", "host", "progress", "notice", "lab", "class"];

export interface Listener<E = SessionEvent> {
	/** The id is the server's number of the event, for streams that go on after it. */
	event(event: E, id: string): void;
	connection(state: Connection): void;
	/**
	 * Asked after a lost connection, before the next try: false ends it (the
	 * session is over). A rejection counts as "not reachable, try again".
	 */
	alive(): Promise<boolean>;
}

export interface Options {
	/** For tests. */
	source?: new (
		url: string,
	) => EventSource;
	random?: () => number;
	/** The events of another stream than a session's. */
	names?: readonly string[];
}

/** The delay before try n (from 0), in milliseconds: doubling, at most 15 s, spread so that a class does not return at once. */
export function backoff(n: number, random: () => number = Math.random): number {
	return Math.min(15_000, 500 * 2 ** n) * (0.7 + 0.6 * random());
}

export class EventStream<E = SessionEvent> {
	#url: () => string;
	#names: readonly string[];
	#listener: Listener<E>;
	#make: new (
		url: string,
	) => EventSource;
	#random: () => number;
	#source: EventSource | null = null;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#tries = 0;
	#closed = false;
	#hiddenAt = 0;
	#abort = new AbortController();

	constructor(url: () => string, listener: Listener<E>, options: Options = {}) {
		this.#url = url;
		this.#names = options.names ?? names;
		this.#listener = listener;
		this.#make = options.source ?? EventSource;
		this.#random = options.random ?? Math.random;
		const { signal } = this.#abort;
		addEventListener("online", () => this.reconnect(), { signal });
		document.addEventListener("visibilitychange", () => this.#visibility(), { signal });
		this.#open();
	}

	/** Drops the connection, if there is one, and connects at once. */
	reconnect(): void {
		if (this.#closed) return;
		this.#tries = 0;
		this.#open();
	}

	close(): void {
		this.#closed = true;
		this.#abort.abort();
		clearTimeout(this.#timer);
		this.#source?.close();
		this.#source = null;
	}

	#open(): void {
		clearTimeout(this.#timer);
		this.#source?.close();
		this.#listener.connection("connecting");
		const source = new this.#make(this.#url());
		this.#source = source;
		let live = false;
		for (const name of this.#names) {
			source.addEventListener(name, (e) => {
				if (this.#source !== source) return;
				// Live from the first event on, not from "open": a proxy may accept and then say nothing.
				if (!live) {
					live = true;
					this.#tries = 0;
					this.#listener.connection("live");
				}
				const { data, lastEventId } = e as MessageEvent<string>;
				this.#listener.event({ name, data: JSON.parse(data) } as E, lastEventId);
			});
		}
		source.addEventListener("error", () => {
			if (this.#source === source) this.#lost();
		});
	}

	#lost(): void {
		this.#source?.close();
		this.#source = null;
		this.#listener.connection("lost");
		this.#timer = setTimeout(() => void this.#retry(), backoff(this.#tries++, this.#random));
	}

	async #retry(): Promise<void> {
		const alive = await this.#listener.alive().catch(() => null);
		if (this.#closed || this.#source) return;
		if (alive === false) this.close();
		else if (alive === null) this.#lost();
		else this.#open();
	}

	/** After a long time out of sight the connection may be dead without anybody having told. */
	#visibility(): void {
		if (document.visibilityState === "hidden") this.#hiddenAt = Date.now();
		else if (this.#hiddenAt && Date.now() - this.#hiddenAt > 60_000) this.reconnect();
	}
}
