import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeClock, FakePage, FakeServer, numbered } from "./fake";
import { ackEvery, TerminalLink } from "./link";
import { subprotocol } from "./protocol";
import { keptLimit } from "./typed";

let server: FakeServer;
let clock: FakeClock;
let page: FakePage;
const links: TerminalLink[] = [];

function connect(viewer = "me", listener: FakePage = page): TerminalLink {
	const link = new TerminalLink(
		{
			url: () => new URL("ws://host/api/sessions/s/terminals/t/ws?lang=ko"),
			viewer,
			socket: server.socket,
			clock,
			random: () => 0.5,
		},
		listener,
	);
	links.push(link);
	return link;
}

beforeEach(() => {
	server = new FakeServer();
	clock = new FakeClock();
	page = new FakePage();
});
afterEach(() => {
	for (const link of links.splice(0)) link.close();
});

describe("a connection", () => {
	it("asks for all that there is, and names itself", () => {
		connect();
		const { url, protocol, binaryType } = server.last;
		expect(Object.fromEntries(url.searchParams)).toEqual({ lang: "ko", offset: "-1", viewer: "me" });
		expect([protocol, binaryType]).toEqual([subprotocol, "arraybuffer"]);
		server.accept();
		expect(page.states).toEqual(["connecting", "open"]);
	});

	it("waits longer and longer between tries", () => {
		connect();
		const gaps: number[] = [];
		for (let i = 0; i < 7; i++) {
			server.last.drop();
			const before = clock.time;
			const count = server.sockets.length;
			while (server.sockets.length === count) clock.pass(100);
			gaps.push(clock.time - before);
		}
		expect(gaps).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
	});

	it("comes back at once with the network, or when a lost page is looked at", () => {
		connect();
		server.last.drop();
		window.dispatchEvent(new Event("online"));
		expect(server.sockets).toHaveLength(2);
		server.last.drop();
		document.dispatchEvent(new Event("visibilitychange"));
		expect(server.sockets).toHaveLength(3);
	});

	it("is given up if no hello comes", () => {
		connect();
		clock.pass(10_000);
		expect(page.states.at(-1)).toBe("lost");
		expect(server.last.closed).toBe(true);
	});

	it("is final after the server's own close codes", () => {
		for (const [code, reason] of [
			[4001, "ended"],
			[4003, "not-yours"],
			[4004, "gone"],
		] as const) {
			const link = connect();
			const count = server.sockets.length;
			server.refuse = code;
			server.accept();
			expect(link.state).toEqual({ kind: "closed", reason });
			clock.pass(60_000);
			window.dispatchEvent(new Event("online"));
			expect(server.sockets).toHaveLength(count);
			expect(link.send("x")).toBe(false);
		}
	});

	it("is final after the shell's exit", () => {
		const link = connect();
		server.accept();
		server.last.bring(Uint8Array.of(0x84, 0, 0, 0, 3));
		expect(page.exits).toEqual([3]);
		expect(link.send("x")).toBe(false);
		server.last.drop(1000);
		expect(link.state).toEqual({ kind: "closed", reason: "exited" });
		clock.pass(60_000);
		expect(server.sockets).toHaveLength(1);
	});

	it("leaves nothing behind when it is closed", () => {
		const link = connect();
		server.accept();
		link.close();
		window.dispatchEvent(new Event("online"));
		clock.pass(60_000);
		expect(server.sockets).toHaveLength(1);
		expect(page.states.at(-1)).toBe("left");
	});
});

describe("output", () => {
	it("goes on after a loss without a byte lost or twice", () => {
		connect();
		server.accept();
		server.print("one ");
		server.mute = true;
		server.print("two ");
		server.mute = false;
		server.last.drop();
		server.print("three ");
		clock.pass(500);
		expect(server.last.offset).toBe(4);
		server.accept();
		expect(page.screen).toBe("one two three ");
		// A server that begins earlier than asked changes nothing.
		server.last.bring(numbered(0x81, 8, new TextEncoder().encode("three four")));
		expect(page.screen).toBe("one two three four");
	});

	it("is asked for anew if a piece is missing", () => {
		connect();
		server.accept();
		server.print("one ");
		server.last.bring(numbered(0x81, 40, Uint8Array.of(88)));
		expect(page.states.at(-1)).toBe("lost");
		server.print("two");
		clock.pass(500);
		server.accept();
		expect(page.screen).toBe("one two");
	});

	it("begins on a clear screen where the ring has moved on", () => {
		connect();
		server.accept();
		server.print("old old old");
		server.last.drop();
		server.print("lost|kept");
		server.ringStart = 16;
		clock.pass(500);
		server.accept();
		expect(page.screen).toBe("kept");
		server.print("!");
		expect(page.screen).toBe("kept!");
	});

	it("is acknowledged every 32 KiB and when it rests, and only as far as it was parsed", () => {
		page.slow = true;
		connect();
		server.accept();
		for (let i = 0; i < 5; i++) server.print(new Uint8Array(ackEvery / 2).fill(46));
		expect(server.acks).toEqual([]);
		for (const parsed of page.parsing.splice(0)) parsed();
		expect(server.acks).toEqual([ackEvery, 2 * ackEvery]);
		clock.pass(1000);
		expect(server.acks).toEqual([ackEvery, 2 * ackEvery, 2.5 * ackEvery]);
		clock.pass(60_000);
		expect(server.acks).toHaveLength(3);
	});

	it("that was parsed before a resync is not acknowledged after it", () => {
		page.slow = true;
		connect();
		server.accept();
		server.print("x".repeat(ackEvery));
		server.last.bring(numbered(0x83, 10));
		for (const parsed of page.parsing.splice(0)) parsed();
		clock.pass(1000);
		expect(server.acks).toEqual([]);
	});
});

describe("input", () => {
	it("arrives once and in order, whatever breaks", () => {
		const link = connect();
		link.send("typed before the first hello, ");
		server.accept();
		link.send("typed on it, ");
		server.deaf = true;
		link.send("lost on the way there, ");
		server.last.drop();
		server.deaf = false;
		link.send("typed without a connection, ");
		clock.pass(500);
		server.accept();
		server.mute = true;
		link.send("taken, but the answer was lost, ");
		server.mute = false;
		server.last.drop();
		clock.pass(500);
		server.accept();
		link.send("한글");
		expect(new TextDecoder().decode(Uint8Array.from(server.typed, (c) => c.charCodeAt(0)))).toBe(
			"typed before the first hello, typed on it, lost on the way there, " +
				"typed without a connection, taken, but the answer was lost, 한글",
		);
	});

	it("survives many losses at random places", () => {
		let seed = 7;
		const random = (n: number) => {
			seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
			return Math.floor((seed / 2 ** 32) * n);
		};
		const link = connect();
		server.accept();
		let typed = "";
		let printed = "";
		for (let i = 0; i < 600; i++) {
			const act = random(8);
			if (act === 0) server.last.drop();
			else if (act === 1) server.deaf = !server.deaf;
			else if (act === 2) server.mute = !server.mute;
			else if (act === 3) server.full = !server.full;
			else if (act === 4) {
				printed += `<${i}>`;
				server.print(`<${i}>`);
			} else {
				const piece = `[${i}]`;
				if (link.send(piece)) typed += piece;
			}
			// Frames that a dead network swallowed are noticed when the connection breaks.
			if (act < 3) server.last.drop();
			clock.pass(random(3000));
			if (!server.last.accepted && !server.last.closed) server.accept();
		}
		server.deaf = server.mute = server.full = false;
		server.last.drop();
		clock.pass(20_000);
		if (!server.last.accepted) server.accept();
		clock.pass(5000);
		expect(server.typed).toBe(typed);
		expect(page.screen).toBe(printed);
		expect(typed.length).toBeGreaterThan(500);
	});

	it("goes on where the same viewer's last page ended", () => {
		server.received.set("me", 100);
		const link = connect();
		link.send("ls\r");
		server.accept();
		expect(server.typed).toBe("ls\r");
		expect(server.received.get("me")).toBe(103);
	});

	it("is numbered anew for a server that has forgotten the viewer", () => {
		const link = connect();
		server.accept();
		link.send("abc");
		server.last.drop();
		server.received.clear();
		link.send("def");
		clock.pass(500);
		server.accept();
		link.send("ghi");
		expect(server.typed).toBe("abcdefghi");
	});

	it("that was refused is sent again until the program reads", () => {
		const link = connect();
		server.accept();
		server.full = true;
		link.send("a");
		link.send("b".repeat(40_000));
		clock.pass(600);
		expect(server.typed).toBe("");
		expect(page.stucks.at(-1)).toBe(true);
		server.full = false;
		link.send("c");
		clock.pass(1000);
		expect(server.typed).toBe(`a${"b".repeat(40_000)}c`);
		expect(page.stucks.at(-1)).toBe(false);
		expect(link.state.kind).toBe("open");
	});

	it("is kept up to 64 KiB; what does not fit is not typed in part", () => {
		const link = connect();
		expect(link.send("a".repeat(keptLimit))).toBe(true);
		expect(link.send("b")).toBe(false);
		server.accept();
		expect(server.typed).toBe("a".repeat(keptLimit));
		expect(link.send("c")).toBe(true);
		expect(server.typed.at(-1)).toBe("c");
	});

	it("without an answer for long ends a connection that only looks alive", () => {
		const link = connect();
		server.accept();
		server.deaf = true;
		link.send("x");
		clock.pass(10_000);
		expect(page.states.at(-1)).toBe("lost");
		server.deaf = false;
		clock.pass(500);
		server.accept();
		expect(server.typed).toBe("x");
		clock.pass(60_000);
		expect(page.states.at(-1)).toBe("open");
	});
});

describe("the keyboard", () => {
	it("belongs to one viewer; the others cannot type until they take it", () => {
		connect("one");
		server.accept();
		const other = new FakePage();
		const link = connect("two", other);
		server.accept();
		expect(other.writes).toEqual([false]);
		expect(link.send("x")).toBe(false);
		link.takeKeyboard();
		expect(page.writes).toEqual([true, false]);
		expect(other.writes).toEqual([false, true]);
		expect(link.send("y")).toBe(true);
		expect(server.typed).toBe("y");
	});

	it("brings what was typed while it was asked for, unless it does not come", () => {
		connect("one");
		server.accept();
		const two = new FakePage();
		const link = connect("two", two);
		server.accept();
		server.deaf = true;
		link.takeKeyboard();
		expect(link.send("ex")).toBe(true);
		server.deaf = false;
		server.give(server.last);
		link.send("it");
		expect(server.typed).toBe("exit");
		server.give(server.sockets[0] ?? null);
		server.deaf = true;
		link.takeKeyboard();
		link.send("too late");
		clock.pass(10_000);
		expect(link.send("x")).toBe(false);
		expect(two.asks).toEqual([true, false, true, false]);
		expect(two.refusals).toBe(1);
		server.deaf = false;
		server.give(server.last);
		link.send("!");
		expect(server.typed).toBe("exit!");
		clock.pass(60_000);
		expect(server.sockets).toHaveLength(2);
	});

	it("takes with it what was typed and had not arrived", () => {
		const link = connect("one");
		server.accept();
		server.full = true;
		link.send("rm -r /");
		server.give(null);
		server.full = false;
		clock.pass(5000);
		// Only the server knows what it took: the count comes before the keyboard.
		link.takeKeyboard();
		link.send("l");
		expect(server.sockets).toHaveLength(1);
		link.send("s");
		expect(server.typed).toBe("ls");
	});

	it("that comes back unasked comes with a new connection, where what was given up may be on its way", () => {
		const link = connect("one");
		server.accept();
		server.full = true;
		link.send("rm -r /");
		server.give(null);
		server.full = false;
		server.last.bring(Uint8Array.of(0x86, 1));
		expect(server.sockets).toHaveLength(2);
		server.accept();
		link.send("ls");
		expect(server.typed).toBe("ls");
	});

	it("is refused at once where it may not be had", () => {
		connect("one");
		server.accept();
		const two = new FakePage();
		const link = connect("two", two);
		server.accept();
		server.deaf = true;
		link.takeKeyboard();
		link.send("please");
		server.last.bring(Uint8Array.of(0x86, 0));
		expect(two.refusals).toBe(1);
		expect(link.send("x")).toBe(false);
		server.deaf = false;
		link.takeKeyboard();
		link.send("y");
		expect(server.typed).toBe("y");
		expect(server.sockets).toHaveLength(2);
	});

	it("keeps what is typed while it is asked for apart from what was given up before", () => {
		const link = connect("one");
		server.accept();
		server.mute = true; // it is taken, and the page does not hear so
		link.send("ab");
		server.mute = false;
		server.give(null);
		server.last.bring(Uint8Array.of(0x86, 0));
		server.deaf = true;
		link.takeKeyboard();
		link.send("cd");
		server.deaf = false;
		server.give(server.last);
		expect(server.typed).toBe("abcd");
		expect(server.sockets).toHaveLength(1);
	});

	it("brings the size along", () => {
		connect("one");
		server.accept();
		const link = connect("two", new FakePage());
		link.resize(120, 40);
		link.resize(0, 40);
		server.accept();
		expect(server.sizes).toEqual([]);
		link.takeKeyboard();
		expect(server.sizes).toEqual([[120, 40]]);
		link.resize(120, 40);
		link.resize(5000, 5000);
		expect(server.sizes).toEqual([
			[120, 40],
			[1000, 500],
		]);
	});
});
