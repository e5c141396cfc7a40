/**
 * The binary frames between a terminal's screen and the server: the mirror of
 * server/httpapi/ws/frames.go. Pure. Numbers are big-endian; bytes of a stream
 * are numbered from zero and counted in doubles, which is why no number may
 * exceed 2^53.
 */

/** What both sides must name when they connect. */
export const subprotocol = "netground.v1";

/** The server refuses longer frames. */
export const maxFrame = 64 << 10;

/** Close codes after which there is nothing to connect to. */
export const closeCodes = { ended: 4001, notYours: 4003, noSuch: 4004 } as const;

/** Bounds of a size, in characters. */
export const maxCols = 1000;
export const maxRows = 500;

const kind = {
	input: 0x01,
	ack: 0x02,
	resize: 0x03,
	keyboard: 0x04,
	output: 0x81,
	hello: 0x82,
	resync: 0x83,
	exit: 0x84,
	size: 0x85,
	writer: 0x86,
	inputAck: 0x87,
	error: 0x88,
} as const;

/** The first frame of a connection. */
export interface Hello {
	terminal: string;
	host: string;
	cols: number;
	rows: number;
	/** How many bytes the server has taken from this viewer so far. */
	inputOffset: number;
	/** How many bytes the screen may be behind before the program has to wait. */
	window: number;
	/** Whether this viewer has the keyboard. */
	writer: boolean;
	exited: boolean;
	exitCode: number;
}

/** A frame to the page. */
export type ServerFrame =
	| { kind: "output"; offset: number; data: Uint8Array }
	| { kind: "hello"; hello: Hello }
	| { kind: "resync"; offset: number }
	| { kind: "exit"; code: number }
	| { kind: "size"; cols: number; rows: number }
	| { kind: "writer"; writer: boolean }
	| { kind: "inputAck"; offset: number }
	| { kind: "error"; sentence: string };

/** A frame from the page. */
export type PageFrame =
	| { kind: "input"; offset: number; data: Uint8Array }
	| { kind: "ack"; offset: number }
	| { kind: "resize"; cols: number; rows: number }
	| { kind: "keyboard" };

export function encode(frame: PageFrame): Uint8Array<ArrayBuffer> {
	switch (frame.kind) {
		case "input": {
			const b = numbered(kind.input, frame.offset, frame.data.length);
			b.set(frame.data, 9);
			return b;
		}
		case "ack":
			return numbered(kind.ack, frame.offset, 0);
		case "resize": {
			const b = new Uint8Array(5);
			const view = new DataView(b.buffer);
			view.setUint8(0, kind.resize);
			view.setUint16(1, frame.cols);
			view.setUint16(3, frame.rows);
			return b;
		}
		case "keyboard":
			return Uint8Array.of(kind.keyboard);
	}
}

function numbered(type: number, offset: number, more: number): Uint8Array<ArrayBuffer> {
	const b = new Uint8Array(9 + more);
	const view = new DataView(b.buffer);
	view.setUint8(0, type);
	view.setUint32(1, Math.floor(offset / 2 ** 32));
	view.setUint32(5, offset % 2 ** 32);
	return b;
}

/** The frame in the bytes, or null if they are none. Output is a view of the bytes, not a copy. */
export function decode(bytes: ArrayBuffer): ServerFrame | null {
	if (bytes.byteLength === 0) return null;
	const view = new DataView(bytes);
	const length = bytes.byteLength - 1;
	switch (view.getUint8(0)) {
		case kind.output: {
			const offset = number(view);
			return offset === null ? null : { kind: "output", offset, data: new Uint8Array(bytes, 9) };
		}
		case kind.resync: {
			const offset = number(view);
			return offset === null || length !== 8 ? null : { kind: "resync", offset };
		}
		case kind.inputAck: {
			const offset = number(view);
			return offset === null || length !== 8 ? null : { kind: "inputAck", offset };
		}
		case kind.hello: {
			const hello = parseHello(text(bytes));
			return hello && { kind: "hello", hello };
		}
		case kind.exit:
			return length === 4 ? { kind: "exit", code: view.getInt32(1) } : null;
		case kind.size:
			return length === 4 ? { kind: "size", cols: view.getUint16(1), rows: view.getUint16(3) } : null;
		case kind.writer:
			return length === 1 ? { kind: "writer", writer: view.getUint8(1) === 1 } : null;
		case kind.error:
			return { kind: "error", sentence: text(bytes) };
		default:
			return null;
	}
}

function number(view: DataView): number | null {
	if (view.byteLength < 9) return null;
	const n = view.getUint32(1) * 2 ** 32 + view.getUint32(5);
	return n <= 2 ** 53 ? n : null;
}

const text = (bytes: ArrayBuffer): string => new TextDecoder().decode(new Uint8Array(bytes, 1));

function parseHello(json: string): Hello | null {
	let value: Partial<Hello> | null;
	try {
		value = JSON.parse(json) as Partial<Hello> | null;
	} catch {
		return null;
	}
	const offset = value?.inputOffset;
	if (!value || typeof offset !== "number" || !Number.isSafeInteger(offset) || offset < 0) return null;
	return {
		terminal: String(value.terminal ?? ""),
		host: String(value.host ?? ""),
		cols: Number(value.cols) || 80,
		rows: Number(value.rows) || 24,
		inputOffset: offset,
		window: Number(value.window) || 0,
		writer: value.writer === true,
		exited: value.exited === true,
		exitCode: Number(value.exitCode) || 0,
	};
}
