/**
 * One terminal's connection to the server. It survives lost networks: output
 * goes on at the next byte, and what was typed arrives exactly once and in
 * order, since both streams are numbered. It knows nothing of screens.
 */
import { backoff } from "../api/events";
import { closeCodes, decode, encode, type Hello, maxCols, maxRows, type PageFrame, subprotocol } from "./protocol";
import { Typed } from "./typed";

/** Why a connection is closed for good. */
export type CloseReason =
	/** The shell has ended. */
	| "exited"
	/** The session has. */
	| "ended"
	| "not-yours"
	/** There is no such terminal any more. */
	| "gone"
	/** The page wanted it. */
	| "left";

export type LinkState =
	| { kind: "connecting" }
	| { kind: "open" }
	| { kind: "lost" }
	| { kind: "closed"; reason: CloseReason };

export interface LinkListener {
	state(state: LinkState): void;
	hello(hello: Hello): void;
	/** Calls parsed once the screen has taken the bytes in. */
	output(data: Uint8Array, parsed: () => void): void;
	/** Bytes are lost to this viewer: the screen begins anew. */
	resync(): void;
	exit(code: number): void;
	/** Another viewer has changed the size. */
	size(cols: number, rows: number): void;
	/** Whether this viewer has the keyboard. */
	writer(has: boolean): void;
	/** Whether the keyboard is asked for: what is typed meanwhile waits for it. */
	asked(waiting: boolean): void;
	/** The keyboard did not come, and what waited for it is dropped. */
	refused(): void;
	/** The program does not read what is typed: it is kept and sent again. */
	stuck(stuck: boolean): void;
}

/** The part of a WebSocket that is used. */
export interface Socket {
	binaryType: BinaryType;
	readonly readyState?: number;
	onmessage: ((event: MessageEvent) => void) | null;
	onclose: ((event: CloseEvent) => void) | null;
	send(data: Uint8Array<ArrayBuffer>): void;
	close(): void;
}

export interface Clock {
	now(): number;
	set(act: () => void, ms: number): unknown;
	clear(timer: unknown): void;
}

export interface LinkOptions {
	/** The address without offset and viewer; asked anew for each connection. */
	url: () => URL;
	viewer: string;
	/** For tests. */
	socket?: new (
		url: string,
		protocol: string,
	) => Socket;
	clock?: Clock;
	random?: () => number;
}

/** Parsed output is acknowledged in steps of this; the server's window holds four. */
export const ackEvery = 32 << 10;
const ackIdle = 250;
/** Input goes in frames of at most this. */
const inputFrame = 16 << 10;
const retryFirst = 40;
const retryMost = 1000;
/** A connection that says nothing for so long while it should is dead. */
const patience = 10_000;
/** What is typed while the keyboard is asked for waits for the answer, on a busy server, too. */
const askedFor = patience;

const browserClock: Clock = {
	now: () => Date.now(),
	set: (act, ms) => setTimeout(act, ms),
	clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

export class TerminalLink {
	#o: LinkOptions;
	#listener: LinkListener;
	#clock: Clock;
	#random: () => number;
	#socket: Socket | null = null;
	#state: LinkState = { kind: "connecting" };
	#abort = new AbortController();
	#tries = 0;
	#hiddenAt = 0;
	#reconnectTimer: unknown;
	#watchdog: unknown;

	// Output.
	#next = -1; // the number of the next byte; -1: whatever the server still has
	#parsed = -1;
	#acked = -1;
	#epoch = 0; // grows with each resync: what was parsed before it counts no more
	#ackTimer: unknown;

	// Input.
	#typed = new Typed();
	#sent = 0; // the number of the next byte to send on this connection
	#greeted = false;
	#writer = false;
	/** Bytes before this number were given up that the server may have taken: its next count decides. */
	#unsure = 0;
	#retry = 0;
	#retryTimer: unknown;
	/** The keyboard is asked for: what is typed meanwhile waits for it. */
	#asked: unknown;

	#size: { cols: number; rows: number } | null = null;
	#exited = false;

	constructor(options: LinkOptions, listener: LinkListener) {
		this.#o = options;
		this.#listener = listener;
		this.#clock = options.clock ?? browserClock;
		this.#random = options.random ?? Math.random;
		const { signal } = this.#abort;
		addEventListener("online", () => this.reconnect(), { signal });
		document.addEventListener("visibilitychange", () => this.#visibility(), { signal });
		// A page that comes back from the browser's cache has lost its connections.
		addEventListener("pageshow", (e) => e.persisted && this.reconnect(), { signal });
		this.#open();
	}

	get state(): LinkState {
		return this.#state;
	}

	/** Types bytes. False: nobody may type here now, or too much is waiting; then none of them are typed. */
	send(data: string | Uint8Array): boolean {
		const mine = this.#writer || !this.#greeted || this.#asked !== undefined;
		if (this.#state.kind === "closed" || this.#exited || !mine) return false;
		const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
		if (!this.#typed.add(bytes)) return false;
		this.#flush();
		return true;
	}

	/** The screen's size; the server hears of it while this viewer has the keyboard. */
	resize(cols: number, rows: number): void {
		if (cols < 1 || rows < 1) return;
		const size = { cols: Math.min(cols, maxCols), rows: Math.min(rows, maxRows) };
		if (size.cols === this.#size?.cols && size.rows === this.#size.rows) return;
		this.#size = size;
		this.#sendSize();
	}

	takeKeyboard(): void {
		if (this.#state.kind !== "open" || this.#writer) return;
		this.#ask(this.#clock.set(() => this.#denied(), askedFor));
		this.#frame({ kind: "keyboard" });
	}

	/** The keyboard is asked for, until the timer; undefined: not any more. */
	#ask(timer: unknown): void {
		if (timer === this.#asked) return;
		this.#clock.clear(this.#asked);
		this.#asked = timer;
		this.#listener.asked(timer !== undefined);
	}

	/** Nothing of what waited was sent. */
	#denied(): void {
		this.#ask(undefined);
		const lost = !this.#typed.empty;
		this.#typed.drop();
		this.#sent = this.#typed.base;
		this.#clock.clear(this.#watchdog);
		if (lost) this.#listener.refused();
	}

	/** Drops the connection, if there is one, and connects at once. */
	reconnect(): void {
		if (this.#state.kind === "closed") return;
		this.#tries = 0;
		this.#open();
	}

	close(reason: CloseReason = "left"): void {
		if (this.#state.kind === "closed") return;
		this.#abort.abort();
		this.#clock.clear(this.#asked);
		this.#disconnect();
		this.#typed.drop();
		this.#set({ kind: "closed", reason });
	}

	#set(state: LinkState): void {
		this.#state = state;
		this.#listener.state(state);
	}

	#open(): void {
		this.#disconnect();
		this.#set({ kind: "connecting" });
		const url = this.#o.url();
		url.searchParams.set("offset", String(this.#next));
		url.searchParams.set("viewer", this.#o.viewer);
		const make = this.#o.socket ?? (WebSocket as unknown as NonNullable<LinkOptions["socket"]>);
		let socket: Socket;
		try {
			socket = new make(url.href, subprotocol);
		} catch {
			this.#lost();
			return;
		}
		this.#socket = socket;
		socket.binaryType = "arraybuffer";
		socket.onmessage = (event) => {
			if (this.#socket === socket && event.data instanceof ArrayBuffer) this.#receive(event.data);
		};
		socket.onclose = (event) => {
			if (this.#socket === socket) this.#closed(event.code);
		};
		// No hello in time: the way there swallows what it is given.
		this.#watch();
	}

	#disconnect(): void {
		for (const timer of [this.#reconnectTimer, this.#watchdog, this.#ackTimer, this.#retryTimer]) {
			this.#clock.clear(timer);
		}
		this.#retryTimer = undefined;
		const socket = this.#socket;
		this.#socket = null;
		if (!socket) return;
		socket.onmessage = socket.onclose = null;
		socket.close();
	}

	#closed(code: number): void {
		if (code === closeCodes.ended) this.close("ended");
		else if (code === closeCodes.notYours) this.close("not-yours");
		else if (code === closeCodes.noSuch) this.close("gone");
		else if (this.#exited) this.close("exited");
		else this.#lost();
	}

	#lost(): void {
		this.#disconnect();
		this.#set({ kind: "lost" });
		this.#reconnectTimer = this.#clock.set(() => this.#open(), backoff(this.#tries++, this.#random));
	}

	/** After a long time out of sight the connection may be dead without anybody having told. */
	#visibility(): void {
		if (document.visibilityState === "hidden") {
			this.#hiddenAt = this.#clock.now();
			return;
		}
		const away = this.#hiddenAt ? this.#clock.now() - this.#hiddenAt : 0;
		this.#hiddenAt = 0;
		if (this.#state.kind === "lost" || away > 60_000) this.reconnect();
	}

	/** Gives the connection up unless a frame comes in time. */
	#watch(): void {
		this.#clock.clear(this.#watchdog);
		this.#watchdog = this.#clock.set(() => this.#lost(), patience);
	}

	#frame(frame: PageFrame): void {
		const socket = this.#socket;
		// One that is being closed takes nothing more; what counts is sent again by number on the next.
		if ((socket?.readyState ?? WebSocket.OPEN) === WebSocket.OPEN) socket?.send(encode(frame));
	}

	#receive(bytes: ArrayBuffer): void {
		const frame = decode(bytes);
		if (!frame) return; // a newer server's, or broken: missing output shows by its number
		if (frame.kind !== "hello" && this.#state.kind !== "open") return;
		switch (frame.kind) {
			case "hello":
				this.#hello(frame.hello);
				break;
			case "output":
				this.#output(frame.offset, frame.data);
				break;
			case "resync":
				this.#epoch++;
				this.#next = this.#parsed = this.#acked = frame.offset;
				this.#listener.resync();
				break;
			case "exit":
				this.#exited = true;
				this.#typed.drop();
				this.#listener.exit(frame.code);
				break;
			case "size":
				this.#listener.size(frame.cols, frame.rows);
				break;
			case "writer":
				this.#writerChanged(frame.writer);
				break;
			case "inputAck":
				this.#taken(frame.offset);
				break;
			case "error":
				break; // a refused size or input: the numbers say the same
		}
		if (this.#state.kind !== "open") return;
		if (this.#typed.empty) this.#clock.clear(this.#watchdog);
		else this.#watch();
	}

	#hello(hello: Hello): void {
		const { inputOffset } = hello;
		const typed = this.#typed;
		// The first count of this page, or the server has forgotten this viewer.
		// After bytes were given up, all that is kept was typed later and never sent.
		if (!this.#greeted || this.#unsure > 0 || inputOffset < typed.base) typed.renumber(inputOffset);
		else typed.taken(inputOffset);
		this.#greeted = true;
		this.#unsure = 0;
		this.#tries = 0;
		this.#sent = typed.base;
		this.#retry = 0;
		this.#writer = hello.writer;
		this.#ask(undefined);
		// What is typed into a terminal that somebody else has now was meant for another moment.
		if (!hello.writer) typed.drop();
		// The server counts all before the byte that it was asked for as parsed.
		this.#acked = Math.max(this.#acked, this.#next);
		this.#set({ kind: "open" });
		this.#listener.hello(hello);
		this.#listener.writer(hello.writer);
		this.#listener.stuck(false);
		if (this.#size?.cols !== hello.cols || this.#size.rows !== hello.rows) this.#sendSize();
		this.#flush();
	}

	#output(offset: number, bytes: Uint8Array): void {
		if (this.#next < 0) this.#next = this.#parsed = this.#acked = offset;
		if (offset > this.#next) {
			this.#lost(); // something is missing: ask for it
			return;
		}
		const data = bytes.subarray(this.#next - offset);
		if (data.length === 0) return;
		this.#next += data.length;
		const end = this.#next;
		const epoch = this.#epoch;
		this.#listener.output(data, () => {
			if (epoch === this.#epoch) this.#parsedTo(end);
		});
	}

	#parsedTo(end: number): void {
		this.#parsed = Math.max(this.#parsed, end);
		if (this.#state.kind !== "open") return;
		this.#clock.clear(this.#ackTimer);
		if (this.#parsed - this.#acked >= ackEvery) this.#ack();
		else this.#ackTimer = this.#clock.set(() => this.#ack(), ackIdle);
	}

	#ack(): void {
		if (this.#state.kind !== "open" || this.#parsed <= this.#acked) return;
		this.#acked = this.#parsed;
		this.#frame({ kind: "ack", offset: this.#parsed });
	}

	#flush(): void {
		if (this.#state.kind !== "open" || !this.#writer || this.#retryTimer !== undefined) return;
		if (this.#sent < this.#typed.end && this.#sent === this.#typed.base) this.#watch();
		while (this.#sent < this.#typed.end) {
			const offset = this.#sent;
			const data = this.#typed.slice(offset, inputFrame);
			this.#sent += data.length;
			this.#frame({ kind: "input", offset, data });
		}
	}

	/** The server has taken all input before n. */
	#taken(n: number): void {
		if (this.#unsure > 0) {
			// All that is kept was typed later, and never sent.
			if (n >= this.#unsure) this.#unsure = 0;
			this.#typed.renumber(Math.max(n, this.#typed.base));
			this.#sent = this.#typed.base;
			return;
		}
		const progress = n > this.#typed.base;
		this.#typed.taken(n);
		this.#sent = Math.max(this.#sent, this.#typed.base);
		if (progress) {
			if (this.#retry > 0) this.#listener.stuck(false);
			this.#retry = 0;
		} else if (!this.#typed.empty && this.#writer && this.#retryTimer === undefined) {
			// Each frame brings new bytes: one that moved nothing was refused, and so is all behind it.
			if (this.#retry === 2) this.#listener.stuck(true);
			const delay = Math.min(retryMost, retryFirst * 2 ** this.#retry++);
			this.#retryTimer = this.#clock.set(() => {
				this.#retryTimer = undefined;
				this.#sent = this.#typed.base;
				this.#flush();
			}, delay);
		}
	}

	#writerChanged(has: boolean): void {
		if (has && this.#unsure > 0) {
			if (this.#asked === undefined) {
				this.reconnect(); // the hello says how many came through
				return;
			}
			// All that was given up was sent before the question, and counted before the answer.
			this.#unsure = 0;
		}
		this.#writer = has;
		if (has) {
			this.#ask(undefined);
			this.#sendSize();
			this.#flush();
		} else if (this.#asked !== undefined) {
			this.#denied();
		} else if (!this.#typed.empty) {
			this.#unsure = this.#typed.end;
			this.#typed.drop();
			this.#sent = this.#typed.base;
		}
		this.#listener.writer(has);
	}

	#sendSize(): void {
		if (this.#size && this.#writer && this.#state.kind === "open") this.#frame({ kind: "resize", ...this.#size });
	}
}
