import { describe, expect, it } from "vitest";
import { decode, encode } from "./protocol";

const bytes = (...b: number[]): ArrayBuffer => Uint8Array.from(b).buffer;
const json = (value: unknown): ArrayBuffer =>
	Uint8Array.from([0x82, ...new TextEncoder().encode(JSON.stringify(value))]).buffer;

describe("frames from the page", () => {
	it("are what server/httpapi/ws/frames.go reads", () => {
		expect([...encode({ kind: "input", offset: 258, data: Uint8Array.of(0xed, 0x95, 0x9c) })]).toEqual([
			0x01, 0, 0, 0, 0, 0, 0, 1, 2, 0xed, 0x95, 0x9c,
		]);
		expect([...encode({ kind: "ack", offset: 2 ** 40 + 7 })]).toEqual([0x02, 0, 0, 1, 0, 0, 0, 0, 7]);
		expect([...encode({ kind: "resize", cols: 300, rows: 24 })]).toEqual([0x03, 1, 44, 0, 24]);
		expect([...encode({ kind: "keyboard" })]).toEqual([0x04]);
	});
});

describe("frames to the page", () => {
	it("are read", () => {
		expect(decode(bytes(0x81, 0, 0, 0, 1, 0, 0, 0, 2, 65, 66))).toEqual({
			kind: "output",
			offset: 2 ** 32 + 2,
			data: Uint8Array.of(65, 66),
		});
		expect(decode(bytes(0x81, 0, 0, 0, 0, 0, 0, 0, 2))).toMatchObject({ kind: "output", offset: 2 });
		expect(decode(bytes(0x83, 0, 0, 0, 0, 0, 0, 1, 0))).toEqual({ kind: "resync", offset: 256 });
		expect(decode(bytes(0x84, 0xff, 0xff, 0xff, 0xff))).toEqual({ kind: "exit", code: -1 });
		expect(decode(bytes(0x85, 0, 80, 1, 0))).toEqual({ kind: "size", cols: 80, rows: 256 });
		expect(decode(bytes(0x86, 1))).toEqual({ kind: "writer", writer: true });
		expect(decode(bytes(0x86, 0))).toEqual({ kind: "writer", writer: false });
		expect(decode(bytes(0x87, 0, 0, 0, 0, 0, 0, 0, 9))).toEqual({ kind: "inputAck", offset: 9 });
		expect(decode(bytes(0x88, 110, 111))).toEqual({ kind: "error", sentence: "no" });
		const hello = {
			terminal: "t",
			host: "A",
			cols: 100,
			rows: 30,
			inputOffset: 12,
			window: 131072,
			writer: true,
			exited: false,
			exitCode: 0,
		};
		expect(decode(json(hello))).toEqual({ kind: "hello", hello });
	});

	it.each([
		["empty", bytes()],
		["of an unknown kind", bytes(0x7f, 1, 2)],
		["of the page's own kind", bytes(0x01, 0, 0, 0, 0, 0, 0, 0, 0)],
		["an output cut in its number", bytes(0x81, 0, 0, 0, 0)],
		["a number that doubles cannot count", bytes(0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1)],
		["a resync with more behind it", bytes(0x83, 0, 0, 0, 0, 0, 0, 0, 0, 1)],
		["an acknowledgement cut short", bytes(0x87, 0)],
		["an exit of two bytes", bytes(0x84, 0, 0)],
		["a size of three bytes", bytes(0x85, 0, 80, 0)],
		["a writer of nothing", bytes(0x86)],
		["a hello that is no JSON", bytes(0x82, 123)],
		["a hello of null", json(null)],
		["a hello without a count", json({ host: "A" })],
		["a hello with half a byte", json({ inputOffset: 0.5 })],
		["a hello that counts backwards", json({ inputOffset: -1 })],
	])("are refused: %s", (_, frame) => {
		expect(decode(frame)).toBeNull();
	});
});
