import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoff, type Connection, EventStream, type SessionEvent } from "./events";

class FakeSource extends EventTarget {
	static all: FakeSource[] = [];
	closed = false;
	constructor(readonly url: string) {
		super();
		FakeSource.all.push(this);
	}
	close() {
		this.closed = true;
	}
	say(name: string, data: unknown) {
		this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
	}
	fail() {
		this.dispatchEvent(new Event("error"));
	}
}

function listen(alive: () => Promise<boolean> = async () => true) {
	const events: SessionEvent[] = [];
	const states: Connection[] = [];
	const stream = new EventStream(
		() => "/events",
		{ event: (e) => events.push(e), connection: (s) => states.push(s), alive },
		{ source: FakeSource as unknown as new (url: string) => EventSource, random: () => 0.5 },
	);
	return { events, states, stream };
}
const last = () => FakeSource.all.at(-1) as FakeSource;

beforeEach(() => {
	vi.useFakeTimers();
	FakeSource.all = [];
});
afterEach(() => {
	vi.useRealTimers();
});

describe("backoff", () => {
	it("doubles, is spread, and stays bounded", () => {
		expect(backoff(0, () => 0.5)).toBe(500);
		expect(backoff(1, () => 0.5)).toBe(1000);
		expect(backoff(20, () => 1)).toBeLessThan(20_000);
		expect(backoff(3, () => 0)).toBeLessThan(backoff(3, () => 1));
	});
});

describe("EventStream", () => {
	it("is live from the first event on", () => {
		const { events, states, stream } = listen();
		expect(states).toEqual(["connecting"]);
		last().say("host", { name: "A", state: "up" });
		expect(states).toEqual(["connecting", "live"]);
		expect(events).toEqual([{ name: "host", data: { name: "A", state: "up" } }]);
		stream.close();
		expect(last().closed).toBe(true);
	});

	it("connects anew after an error, when the session is alive", async () => {
		const { states, stream } = listen();
		last().fail();
		expect(states.at(-1)).toBe("lost");
		await vi.advanceTimersByTimeAsync(499);
		expect(FakeSource.all).toHaveLength(1);
		await vi.advanceTimersByTimeAsync(1);
		expect(FakeSource.all).toHaveLength(2);
		stream.close();
	});

	it("gives up when the session is over, and goes on when that cannot be known", async () => {
		const over = listen(async () => false);
		last().fail();
		await vi.advanceTimersByTimeAsync(60_000);
		expect(FakeSource.all).toHaveLength(1);
		over.stream.close();

		let asked = 0;
		const unknown = listen(() => {
			asked++;
			return Promise.reject(new Error("offline"));
		});
		last().fail();
		await vi.advanceTimersByTimeAsync(5_000);
		expect(asked).toBe(3);
		unknown.stream.close();
		await vi.advanceTimersByTimeAsync(60_000);
		expect(asked).toBe(3);
	});

	it("reconnects at once when asked to, and ignores the connection before", () => {
		const { events, stream } = listen();
		const old = last();
		stream.reconnect();
		expect(old.closed).toBe(true);
		old.say("host", { name: "A", state: "up" });
		expect(events).toEqual([]);
		stream.close();
	});
});
