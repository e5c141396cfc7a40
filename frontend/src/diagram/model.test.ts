import { describe, expect, test } from "vitest";
import type { NetworkState, Topology } from "../api/types";
import { changes, drawn, type Machine, type Network, network, spotKey } from "./model";
import * as sample from "./samples";

const up = (topology: Topology) =>
	topology.nodes.filter((n) => n.kind === "host").map((n) => ({ name: n.name, state: "up" as const }));
const of = (topology: Topology, state: NetworkState | null): Network => network(topology, state, up(topology));
const find = (net: Network, name: string) => net.machines.find((m) => m.name === name) as Machine;
const first = <T>(list: T[]): T => list[0] as T;

describe("network", () => {
	test("before the first event the topology stands as it was planned", () => {
		const net = of(sample.switching, null);
		expect(net.machines.map((m) => [m.name, m.state])).toEqual([
			["A", "waiting"],
			["B", "waiting"],
			["sw", "waiting"],
		]);
		expect(find(net, "A").own.devices).toMatchObject([{ key: "A//eth0", state: "unknown", planned: true }]);
		expect(net.cables.map((c) => c.state)).toEqual(["unknown", "unknown"]);
	});

	test("cables follow the state of their two ends", () => {
		const net = of(sample.switching, sample.switchingHalf());
		expect(net.cables.map((c) => [spotKey(c.a), spotKey(c.b), c.state])).toEqual([
			["A//eth0", "sw//A-eth0", "on"],
			["B//eth0", "sw//B-eth0", "off"],
		]);
		const planned = find(net, "B").own.devices.find((d) => d.planned);
		expect(planned?.state).toBe("off");
		expect(find(net, "sw").own.devices.find((d) => d.spot.dev === "B-eth0")?.state).toBe("idle");
	});

	test("a device that was moved takes its cable along", () => {
		const net = of(sample.namespaces, sample.namespacesMoved());
		expect(net.cables).toHaveLength(1);
		expect(first(net.cables)).toMatchObject({ a: { node: "node", ns: "red", dev: "eth0" }, state: "off" });
		const red = first(find(net, "node").named);
		expect(red.devices.find((d) => d.planned)).toMatchObject({ was: "eth0" });
		expect(find(net, "node").own.devices.some((d) => d.state === "missing")).toBe(false);
	});

	test("a device that was renamed is found through the other end", () => {
		const state = sample.namespacesMoved();
		state.nodes.node = sample.host([sample.link("wan0", { peer: { node: "peer", dev: "eth0" } })]);
		state.nodes.peer = sample.host([sample.link("eth0", { peer: { node: "node", dev: "wan0" } })]);
		const net = of(sample.namespaces, state);
		expect(first(net.cables)).toMatchObject({ a: { ns: "", dev: "wan0" }, b: { dev: "eth0" }, state: "on" });
		expect(find(net, "node").own.devices.find((d) => d.planned)?.was).toBe("eth0");
	});

	test("a deleted cable is missing at both ends", () => {
		const net = of(sample.namespaces, sample.namespacesDeleted());
		expect(first(net.cables).state).toBe("missing");
		for (const name of ["node", "peer"])
			expect(find(net, name).own.devices.find((d) => d.planned)).toMatchObject({
				spot: { dev: "eth0" },
				state: "missing",
			});
	});

	test("another device of the same name is not the planned one", () => {
		const state = sample.namespacesDeleted();
		state.nodes.node = sample.host([
			sample.link("eth0", { peer: { node: "node", dev: "mine" } }),
			sample.link("mine", { peer: { node: "node", dev: "eth0" } }),
		]);
		const net = of(sample.namespaces, state);
		expect(net.cables.map((c) => [c.planned, c.state])).toEqual([
			[true, "missing"],
			[false, "on"],
		]);
		const devices = find(net, "node").own.devices.filter((d) => d.spot.dev === "eth0");
		expect(devices.map((d) => d.state).sort()).toEqual(["missing", "on"]);
		expect(new Set(devices.map((d) => d.key)).size).toBe(2);
	});

	test("a peer out of sight makes no cable, and nothing breaks", () => {
		const state = sample.namespacesCable(true);
		const red = state.nodes.node?.named?.red;
		for (const link of red?.links ?? []) delete link.peer;
		delete state.nodes.node?.named?.blue;
		const net = of(sample.namespaces, state);
		expect(net.cables.filter((c) => !c.planned)).toEqual([]);
	});

	test("pairs between namespaces are cables, each once", () => {
		const net = of(sample.namespaces, sample.namespacesCable(true));
		expect(net.cables.filter((c) => !c.planned)).toMatchObject([{ a: { ns: "red" }, b: { ns: "blue" }, state: "on" }]);
		const bridged = of(sample.namespaces, sample.namespacesBridge());
		expect(bridged.cables.filter((c) => !c.planned)).toHaveLength(3);
	});

	test("two names of one namespace are one namespace", () => {
		const state = sample.namespacesCable(true);
		const named = state.nodes.node?.named ?? {};
		if (named.red) named.rot = named.red;
		const net = of(sample.namespaces, state);
		expect(find(net, "node").named.map((z) => z.label)).toEqual(["red = rot", "blue"]);
	});

	test("a host that restarts is said to, and its planned devices stay", () => {
		const state = sample.namespacesDeleted();
		state.nodes.node = { kind: "host", namespace: null, down: true };
		const net = of(sample.namespaces, state);
		expect(find(net, "node").state).toBe("rebooting");
		expect(find(net, "node").own.devices).toMatchObject([{ key: "node//eth0", state: "unknown" }]);
	});
});

test("drawn: without the loopback unless it got an address; ports beneath their bridge", () => {
	const net = of(sample.namespaces, sample.namespacesBridge());
	const items = drawn(find(net, "node").own);
	expect(items.map((i) => [i.device.spot.dev, i.members.map((m) => m.spot.dev)])).toEqual([
		["eth0", []],
		["br0", ["veth-red", "veth-green", "veth-blue"]],
		["vxlan42", []],
		["dummy0", []],
	]);
	const state = sample.namespacesDeleted();
	state.nodes.node = {
		kind: "host",
		namespace: sample.namespace([{ ...sample.lo(), addresses: ["127.0.0.1/8", "10.1.1.1/24"] }]),
	};
	expect(drawn(find(of(sample.namespaces, state), "node").own).map((i) => i.device.spot.dev)).toContain("lo");
});

describe("changes", () => {
	test("the first state is no news", () => {
		const before = of(sample.switching, null);
		expect(changes(before, of(sample.switching, sample.switchingHalf())).size).toBe(0);
	});

	test("an address, a link's state and a namespace are", () => {
		const before = of(sample.switching, sample.switchingHalf());
		const state = structuredClone(sample.switchingHalf());
		const eth0 = state.nodes.B?.namespace?.links?.find((l) => l.name === "eth0");
		Object.assign(eth0 ?? {}, { up: true, carrier: true });
		const port = state.nodes.sw?.namespace?.links?.find((l) => l.name === "B-eth0");
		Object.assign(port ?? {}, { carrier: true });
		state.nodes.A = { ...sample.host([]), ...state.nodes.A, named: { red: sample.namespace([]) } };
		expect([...changes(before, of(sample.switching, state))].sort()).toEqual([
			"A/red",
			"B//eth0",
			"planned:1",
			"sw//B-eth0",
		]);
		expect(changes(before, before).size).toBe(0);
	});
});
