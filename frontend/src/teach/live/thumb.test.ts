import { describe, expect, it } from "vitest";
import type { Thumb, ThumbDevice } from "../../api/classes";
import { switching } from "../../diagram/samples";
import { sketch } from "./thumb";

const dev = (name: string, more: Partial<ThumbDevice> = {}): ThumbDevice => ({
	name,
	up: true,
	carrier: true,
	addrs: 0,
	...more,
});
const thumb = (b: Partial<ThumbDevice>): Thumb => ({
	nodes: {
		A: { devs: [dev("lo", { addrs: 1 }), dev("eth0", { addrs: 1 })], namespaces: 2 },
		B: { devs: [dev("eth0", b)] },
		sw: { devs: [dev("A-eth0"), dev("B-eth0", { carrier: b.up !== false })] },
	},
});

describe("sketch", () => {
	it("lights a cable whose two ends carry", () => {
		const small = sketch(switching, thumb({}));
		expect(small.cables.map((cable) => cable.on)).toEqual([true, true]);
		expect(small.connected).toBe(2);
		expect(sketch(switching, thumb({ up: false })).cables.map((cable) => cable.on)).toEqual([true, false]);
	});

	it("tells hosts with an address from those without, and from those that are down", () => {
		const state = (t: Thumb) => Object.fromEntries(sketch(switching, t).nodes.map((node) => [node.name, node.state]));
		expect(state(thumb({}))).toMatchObject({ A: "addressed", B: "bare" });
		expect(state({ nodes: { A: { down: true, devs: null } } })).toMatchObject({ A: "down", B: "down" });
	});

	it("counts no loopback's address, and every namespace", () => {
		const small = sketch(switching, thumb({}));
		expect(small.addresses).toBe(1);
		expect(small.namespaces).toBe(2);
	});

	it("believes the other end where a device has gone into a namespace", () => {
		const moved = thumb({});
		moved.nodes.A = { devs: [], namespaces: 1 };
		expect(sketch(switching, moved).cables[0]?.on).toBe(true);
		delete moved.nodes.sw;
		expect(sketch(switching, moved).cables[0]?.on).toBe(false);
	});
});
