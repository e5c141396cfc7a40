/** For tests: a server of one terminal as server/terminal is, behind sockets that can break, and a clock that stands. */
import type { Clock, LinkListener, Socket } from "./link";

const encoder = new TextEncoder();

export class FakeClock implements Clock {
	time = 0;
	#timers: Array<{ at: number; act: () => void; id: number }> = [];
	#id = 0;

	now = (): number => this.time;
	set = (act: () => void, ms: number): unknown => {
		this.#timers.push({ at: this.time + ms, act, id: ++this.#id });
		return this.#id;
	};
	clear = (timer: unknown): void => {
		this.#timers = this.#timers.filter(({ id }) => id !== timer);
	};

	pass(ms: number): void {
		const end = this.time + ms;
		for (;;) {
			const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.id - b.id);
			if (!next) break;
			this.clear(next.id);
			this.time = next.at;
			next.act();
		}
		this.time = end;
	}
}

/** A character for each byte. (The decoder's "latin1" is windows-1252.) */
const bytesOf = (data: Uint8Array): string => Array.from(data, (b) => String.fromCharCode(b)).join("");

/** What a frame of the page says. */
interface Frame {
	kind: number;
	offset: number;
	data: Uint8Array;
	cols: number;
	rows: number;
}

function read(b: Uint8Array): Frame {
	const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
	const numbered = b[0] === 1 || b[0] === 2;
	return {
		kind: b[0] ?? 0,
		offset: numbered ? view.getUint32(1) * 2 ** 32 + view.getUint32(5) : 0,
		data: numbered ? b.slice(9) : new Uint8Array(),
		cols: b[0] === 3 ? view.getUint16(1) : 0,
		rows: b[0] === 3 ? view.getUint16(3) : 0,
	};
}

export function numbered(kind: number, offset: number, data: Uint8Array = new Uint8Array()): Uint8Array {
	const b = new Uint8Array(9 + data.length);
	const view = new DataView(b.buffer);
	view.setUint8(0, kind);
	view.setUint32(1, Math.floor(offset / 2 ** 32));
	view.setUint32(5, offset % 2 ** 32);
	b.set(data, 9);
	return b;
}

export class FakeServer {
	/** All that the program printed; the ring keeps it from ringStart on. */
	printed = new Uint8Array();
	ringStart = 0;
	/** All that came through to the program, of all viewers. */
	typed = "";
	received = new Map<string, number>();
	keyboard: FakeSocket | null = null;
	/** The program does not read: input is refused. */
	full = false;
	/** The network takes frames of the page and brings them nowhere. */
	deaf = false;
	/** The network brings nothing to the page. */
	mute = false;
	sockets: FakeSocket[] = [];
	acks: number[] = [];
	sizes: Array<[number, number]> = [];
	/** A close code with which every connection is refused. */
	refuse = 0;

	get socket(): new (
		url: string,
		protocol: string,
	) => Socket {
		const server = this;
		return class extends FakeSocket {
			constructor(url: string, protocol: string) {
				super(server, url, protocol);
			}
		};
	}

	get last(): FakeSocket {
		return this.sockets.at(-1) as FakeSocket;
	}

	/** The connection comes about. */
	accept(socket: FakeSocket = this.last): void {
		if (this.refuse) {
			socket.drop(this.refuse);
			return;
		}
		if (!this.keyboard || this.keyboard.viewer === socket.viewer) this.keyboard = socket;
		if (!this.received.has(socket.viewer)) this.received.set(socket.viewer, 0);
		socket.accepted = true;
		const hello = {
			terminal: "t",
			host: "A",
			cols: 80,
			rows: 24,
			inputOffset: this.received.get(socket.viewer),
			window: 131072,
			writer: this.keyboard === socket,
			exited: false,
			exitCode: 0,
		};
		socket.bring(Uint8Array.from([0x82, ...encoder.encode(JSON.stringify(hello))]));
		socket.next = socket.offset;
		if (socket.next < 0) socket.next = this.ringStart;
		else if (socket.next < this.ringStart) {
			socket.next = this.ringStart;
			socket.bring(numbered(0x83, socket.next));
		}
		this.pump(socket);
	}

	print(data: string | Uint8Array): void {
		const more = typeof data === "string" ? encoder.encode(data) : data;
		this.printed = Uint8Array.from([...this.printed, ...more]);
		for (const socket of this.sockets) this.pump(socket);
	}

	pump(socket: FakeSocket): void {
		if (!socket.accepted || socket.closed || socket.next >= this.printed.length) return;
		socket.bring(numbered(0x81, socket.next, this.printed.slice(socket.next)));
		socket.next = this.printed.length;
	}

	give(socket: FakeSocket | null): void {
		const old = this.keyboard;
		this.keyboard = socket;
		old?.bring(Uint8Array.of(0x86, 0));
		if (socket) socket.bring(numbered(0x87, this.received.get(socket.viewer) ?? 0));
		socket?.bring(Uint8Array.of(0x86, 1));
	}

	hear(socket: FakeSocket, bytes: Uint8Array): void {
		if (this.deaf || socket.closed) return;
		const frame = read(bytes);
		const have = this.received.get(socket.viewer) ?? 0;
		if (frame.kind === 2) this.acks.push(frame.offset);
		if (frame.kind === 3) this.sizes.push([frame.cols, frame.rows]);
		if (frame.kind === 4) this.give(socket);
		if (frame.kind !== 1) return;
		const end = frame.offset + frame.data.length;
		let next = have;
		if (this.keyboard === socket && !this.full && frame.offset <= have && end > have) {
			this.typed += bytesOf(frame.data.slice(have - frame.offset));
			next = end;
			this.received.set(socket.viewer, next);
		}
		socket.bring(numbered(0x87, next));
	}
}

export class FakeSocket implements Socket {
	binaryType: BinaryType = "blob";
	onmessage: ((event: MessageEvent) => void) | null = null;
	onclose: ((event: CloseEvent) => void) | null = null;
	readonly viewer: string;
	readonly offset: number;
	next = 0;
	accepted = false;
	closed = false;
	readonly server: FakeServer;
	readonly url: URL;
	readonly protocol: string;

	constructor(server: FakeServer, url: string, protocol: string) {
		this.server = server;
		this.url = new URL(url);
		this.protocol = protocol;
		this.viewer = this.url.searchParams.get("viewer") ?? "";
		this.offset = Number(this.url.searchParams.get("offset"));
		server.sockets.push(this);
	}

	send(data: Uint8Array<ArrayBuffer>): void {
		this.server.hear(this, data);
	}

	close(): void {
		this.closed = true;
		if (this.server.keyboard === this) this.server.keyboard = null;
	}

	bring(data: Uint8Array): void {
		if (this.server.mute || this.closed) return;
		this.onmessage?.({ data: data.slice().buffer } as MessageEvent);
	}

	/** The connection ends. */
	drop(code = 1006): void {
		this.closed = true;
		if (this.server.keyboard === this) this.server.keyboard = null;
		this.onclose?.({ code } as CloseEvent);
	}
}

/** A page that notes what it hears. */
export class FakePage implements LinkListener {
	screen = "";
	states: string[] = [];
	writes: boolean[] = [];
	stucks: boolean[] = [];
	exits: number[] = [];
	sizes: Array<[number, number]> = [];
	/** Holds the screen's parsing back. */
	slow = false;
	parsing: Array<() => void> = [];

	state: LinkListener["state"] = (state) => {
		this.states.push(state.kind === "closed" ? state.reason : state.kind);
	};
	hello = (): void => {};
	output: LinkListener["output"] = (data, parsed) => {
		this.screen += bytesOf(data);
		if (this.slow) this.parsing.push(parsed);
		else parsed();
	};
	resync = (): void => {
		this.screen = "";
	};
	exit = (code: number): void => {
		this.exits.push(code);
	};
	size = (cols: number, rows: number): void => {
		this.sizes.push([cols, rows]);
	};
	writer = (has: boolean): void => {
		this.writes.push(has);
	};
	asks: boolean[] = [];
	refusals = 0;

	asked = (waiting: boolean): void => {
		this.asks.push(waiting);
	};
	refused = (): void => {
		this.refusals++;
	};
	stuck = (stuck: boolean): void => {
		this.stucks.push(stuck);
	};
}
