/** Networks of the course's labs, for tests. */
import type { NetworkLink, NetworkNamespace, NetworkNode, NetworkState, Topology } from "../api/types";

let index = 1;

export function link(name: string, more: Partial<NetworkLink> = {}): NetworkLink {
	index++;
	const mac = `02:5a:10:00:00:${(index % 256).toString(16).padStart(2, "0")}`;
	return { index, name, type: "veth", mac, mtu: 1500, up: true, carrier: true, addresses: null, ...more };
}

export const lo = (up = true): NetworkLink =>
	link("lo", { type: "loopback", mtu: 65536, up, carrier: up, addresses: up ? ["127.0.0.1/8"] : null });

export function namespace(links: NetworkLink[], more: Partial<NetworkNamespace> = {}): NetworkNamespace {
	index++;
	return { inode: index, links, routes: null, neighbours: null, forwarding: false, forwarding6: false, ...more };
}

export const host = (links: NetworkLink[], more: Partial<NetworkNamespace> = {}): NetworkNode => ({
	kind: "host",
	namespace: namespace([lo(), ...links], more),
});

export const bridge = (ports: NetworkLink[]): NetworkNode => ({
	kind: "switch",
	namespace: namespace([lo(), link("br0", { type: "bridge" }), ...ports.map((port) => ({ ...port, master: "br0" }))]),
});

export const state = (nodes: Record<string, NetworkNode>, version = 1): NetworkState => ({
	version,
	at: "2026-01-01T00:00:00Z",
	nodes,
});

/** A port of a switch and what it leads to. */
export const port = (node: string, dev: string, more: Partial<NetworkLink> = {}): NetworkLink =>
	link(`${node}-${dev}`, { peer: { node, dev }, ...more });

const node = (name: string, kind: "host" | "switch", x: number, y: number, label = name) => ({
	name,
	kind,
	label,
	at: [x, y] as [number, number],
});
const cable = (a: string, dev: string, b: string, far = "") => ({ a: { node: a, dev }, b: { node: b, dev: far } });

export const switching: Topology = {
	nodes: [node("A", "host", 0, 1), node("B", "host", 4, 1), node("sw", "switch", 2, 0)],
	links: [cable("A", "eth0", "sw"), cable("B", "eth0", "sw")],
};

export const routing: Topology = {
	nodes: [
		node("A", "host", 0, 0),
		node("B", "host", 0, 2),
		node("C", "host", 6, 0),
		node("D", "host", 6, 2),
		node("R", "host", 3, 1, "라우터"),
		node("sw1", "switch", 1.5, 1),
		node("sw2", "switch", 4.5, 1),
	],
	links: [
		cable("A", "eth0", "sw1"),
		cable("B", "eth0", "sw1"),
		cable("R", "eth0", "sw1"),
		cable("R", "eth1", "sw2"),
		cable("C", "eth0", "sw2"),
		cable("D", "eth0", "sw2"),
	],
};

export const namespaces: Topology = {
	nodes: [node("node", "host", 0, 0), node("peer", "host", 4, 0)],
	links: [cable("node", "eth0", "peer", "eth0")],
};

const toSwitch = (sw: string, name: string, dev = "eth0") => ({ peer: { node: sw, dev: `${name}-${dev}` } });

/** Of the lab switching: A is up and has an address, B is not. */
export function switchingHalf(): NetworkState {
	return state({
		A: host([link("eth0", { ...toSwitch("sw", "A"), addresses: ["192.168.1.10/24"] })]),
		B: host([link("eth0", { ...toSwitch("sw", "B"), up: false, carrier: false })]),
		sw: bridge([port("A", "eth0", { fdb: ["02:5a:10:00:00:0a"] }), port("B", "eth0", { carrier: false })]),
	});
}

export function routingReady(): NetworkState {
	const at = (sw: string, name: string, address: string, dev = "eth0") =>
		link(dev, { ...toSwitch(sw, name, dev), addresses: [address] });
	return state({
		A: host([at("sw1", "A", "192.168.1.10/24")], {
			routes: [
				{ to: "192.168.1.0/24", dev: "eth0", source: "192.168.1.10", kernel: true },
				{ to: "192.168.2.0/24", via: "192.168.1.1", dev: "eth0" },
			],
			neighbours: [{ ip: "192.168.1.1", mac: "02:5a:10:00:00:01", dev: "eth0", state: "reachable" }],
		}),
		B: host([at("sw1", "B", "192.168.1.11/24")]),
		C: host([at("sw2", "C", "192.168.2.10/24")]),
		D: host([at("sw2", "D", "192.168.2.11/24")]),
		R: host([at("sw1", "R", "192.168.1.1/24"), at("sw2", "R", "192.168.2.1/24", "eth1")], { forwarding: true }),
		sw1: bridge([port("A", "eth0"), port("B", "eth0"), port("R", "eth0")]),
		sw2: bridge([port("R", "eth1"), port("C", "eth0"), port("D", "eth0")]),
	});
}

const ends = (name: "node" | "peer", address: string) =>
	link("eth0", { peer: { node: name === "node" ? "peer" : "node", dev: "eth0" }, addresses: [address] });

/** Of the lab namespaces: red and blue with a cable between them, as far as the learner has come. */
export function namespacesCable(up: boolean): NetworkState {
	const end = (ns: string, far: string, address: string) =>
		namespace([
			lo(false),
			link(`veth-${ns}`, {
				up,
				carrier: up,
				addresses: [address],
				peer: { node: "node", ns: far, dev: `veth-${far}` },
			}),
		]);
	return state({
		node: {
			...host([ends("node", "192.168.1.10/24")]),
			named: { red: end("red", "blue", "192.168.15.1/24"), blue: end("blue", "red", "192.168.15.2/24") },
		},
		peer: host([ends("peer", "192.168.1.11/24")]),
	});
}

/** A bridge on node that joins three namespaces, eth0 among its ports; a vxlan and a dummy beside it. */
export function namespacesBridge(): NetworkState {
	const names = ["red", "green", "blue"];
	const named = Object.fromEntries(
		names.map((ns, i) => [
			ns,
			namespace([lo(), link("eth0", { addresses: [`10.0.0.${i + 1}/24`], peer: { node: "node", dev: `veth-${ns}` } })]),
		]),
	);
	return state({
		node: {
			...host(
				[
					{ ...ends("node", "192.168.1.10/24") },
					link("br0", { type: "bridge", addresses: ["10.0.0.254/24"] }),
					...names.map((ns) => link(`veth-${ns}`, { master: "br0", peer: { node: "node", ns, dev: "eth0" } })),
					link("vxlan42", { type: "vxlan", mtu: 1450, addresses: ["2001:db8:1234:5678:9abc:def0:1234:5678/64"] }),
					link("dummy0", { type: "dummy", up: false, carrier: false }),
				],
				{ forwarding: true },
			),
			named,
		},
		peer: host([ends("peer", "192.168.1.11/24")]),
	});
}

/** The cable's end on node has been moved into red. */
export function namespacesMoved(): NetworkState {
	return state({
		node: {
			...host([]),
			named: {
				red: namespace([lo(false), link("eth0", { up: false, carrier: false, peer: { node: "peer", dev: "eth0" } })]),
			},
		},
		peer: host([
			link("eth0", { carrier: false, addresses: ["192.168.1.11/24"], peer: { node: "node", ns: "red", dev: "eth0" } }),
		]),
	});
}

/** Somebody deleted the cable. */
export const namespacesDeleted = (): NetworkState => state({ node: host([]), peer: host([]) });
