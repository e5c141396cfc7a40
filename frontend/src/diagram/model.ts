/**
 * What there is to draw: the topology as its author planned it, joined with
 * the network as the kernel has it. Diagram and table both read this, so they
 * tell the same truth.
 */
import type {
	HostState,
	NetworkLink,
	NetworkNamespace,
	NetworkNeighbour,
	NetworkPlace,
	NetworkRoute,
	NetworkState,
	Topology,
	TopologyLink,
	TopologyNode,
} from "../api/types";

/** A device's place: a node's own namespace is the one without a name. */
export interface Spot {
	node: string;
	ns: string;
	dev: string;
}

/**
 * on: up, and somebody at the other end; idle: up, but nobody there; off: down;
 * missing: planned, but gone; unknown: the kernel has not been heard yet.
 */
export type DeviceState = "on" | "idle" | "off" | "missing" | "unknown";

export interface Device {
	key: string;
	spot: Spot;
	type: string;
	state: DeviceState;
	/** An end of one of the topology's cables. */
	planned: boolean;
	/** A planned device that has another name or namespace now: what the lab calls it. */
	was: string;
	addresses: string[];
	mac: string;
	/** 0: unknown. */
	mtu: number;
	master: string;
	peer: Spot | null;
	/** What a switch has learned behind this port. */
	learned: string[];
}

/** A network namespace: a machine's own, or one that the learner named. */
export interface Zone {
	key: string;
	node: string;
	/** Empty for the machine's own. */
	ns: string;
	/** Its name; several, where they lead to the same namespace. */
	label: string;
	devices: Device[];
	forwarding: boolean;
	routes: NetworkRoute[];
	neighbours: NetworkNeighbour[];
}

/** waiting: no state has come yet. */
export type MachineState = "up" | "rebooting" | "down" | "waiting";

export interface Machine {
	name: string;
	kind: "host" | "switch";
	/** What the lab's author calls it beside its name; may be empty. */
	label: string;
	at: [number, number];
	state: MachineState;
	own: Zone;
	named: Zone[];
}

/** on: carries; off: an end is down; missing: planned, but gone; unknown: not heard of yet. */
export type CableState = "on" | "off" | "missing" | "unknown";

export interface Cable {
	key: string;
	a: Spot;
	b: Spot;
	planned: boolean;
	state: CableState;
}

export interface Network {
	machines: Machine[];
	cables: Cable[];
}

export const zoneKey = (node: string, ns: string): string => `${node}/${ns}`;
export const spotKey = (spot: Spot): string => `${spot.node}/${spot.ns}/${spot.dev}`;

/** Joins what is planned with what is. */
export function network(topology: Topology, state: NetworkState | null, hosts: HostState[]): Network {
	const kernel = new Kernel(topology, state);
	const machines = topology.nodes.map((node) => machine(node, kernel, hosts));
	const zones = new Map<string, Zone>();
	for (const m of machines) for (const zone of [m.own, ...m.named]) zones.set(zone.key, zone);
	const devices = new Map<string, Device>();
	for (const zone of zones.values()) for (const device of zone.devices) devices.set(device.key, device);

	const cables: Cable[] = [];
	const used = new Set<string>();
	topology.links.forEach((link, i) => {
		const [a, b] = kernel.follow(link, used);
		const ends = [a, b].map((end, n) => {
			const planned = n === 0 ? link.a : link.b;
			const key = spotKey(end.spot);
			used.add(key);
			let device = devices.get(key);
			if (!device || end.state !== "on") {
				device = placeholder(end.spot, end.state);
				// The learner may have given the name to another device: both are shown.
				if (devices.has(key)) device.key = `${key}#planned`;
				devices.set(device.key, device);
				zones.get(zoneKey(end.spot.node, end.spot.ns))?.devices.push(device);
			}
			device.planned = true;
			if (planned.dev && (end.spot.ns || end.spot.dev !== planned.dev)) device.was = planned.dev;
			return device;
		});
		cables.push({ key: `planned:${i}`, a: a.spot, b: b.spot, planned: true, state: cableState(ends[0], ends[1]) });
	});
	// What the learner laid: pairs whose two ends both are in sight.
	const laid = new Set<Device>();
	for (const device of [...devices.values()]) {
		if (!device.peer || device.planned || laid.has(device)) continue;
		const other = devices.get(spotKey(device.peer));
		if (!other || other.planned || other === device) continue;
		laid.add(device).add(other);
		const key = [device.key, other.key].sort().join("~");
		cables.push({ key, a: device.spot, b: other.spot, planned: false, state: cableState(device, other) });
	}
	for (const zone of zones.values()) zone.devices.sort(byImportance);
	return { machines, cables };
}

interface End {
	spot: Spot;
	state: DeviceState;
}

/** Looks things up in what the kernel said. */
class Kernel {
	private readonly namespaces = new Map<string, NetworkNamespace>();
	/** Names of a namespace that has several lead to the first. */
	private readonly alias = new Map<string, string>();
	readonly labels = new Map<string, string>();

	constructor(
		topology: Topology,
		readonly state: NetworkState | null,
	) {
		for (const { name } of topology.nodes) {
			const node = state?.nodes[name];
			if (!node) continue;
			const seen = new Map<number, string>();
			const add = (ns: string, namespace: NetworkNamespace) => {
				const same = namespace.inode ? seen.get(namespace.inode) : undefined;
				if (same !== undefined) {
					this.alias.set(zoneKey(name, ns), same);
					const label = this.labels.get(zoneKey(name, same));
					this.labels.set(zoneKey(name, same), label ? `${label} = ${ns}` : "");
					return;
				}
				if (namespace.inode) seen.set(namespace.inode, ns);
				this.namespaces.set(zoneKey(name, ns), namespace);
				this.labels.set(zoneKey(name, ns), ns);
			};
			if (node.namespace) add("", node.namespace);
			// Inodes count up: what is made later stands below, and nothing jumps.
			const named = Object.entries(node.named ?? {});
			named.sort(([p, a], [q, b]) => a.inode - b.inode || p.localeCompare(q, "en"));
			for (const [ns, namespace] of named) add(ns, namespace);
		}
	}

	namespace(node: string, ns: string): NetworkNamespace | undefined {
		return this.namespaces.get(zoneKey(node, ns));
	}

	/** The namespaces of a node by name, its own first. */
	names(node: string): string[] {
		const prefix = zoneKey(node, "");
		return [...this.namespaces.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
	}

	spot(place: NetworkPlace): Spot {
		const ns = place.ns ?? "";
		return { node: place.node, ns: this.alias.get(zoneKey(place.node, ns)) ?? ns, dev: place.dev };
	}

	link(spot: Spot): NetworkLink | undefined {
		return this.namespace(spot.node, spot.ns)?.links?.find((link) => link.name === spot.dev);
	}

	/**
	 * Where the two ends of a planned cable are now. A device is found by its
	 * name, wherever on its machine it was moved to; a renamed one by what the
	 * cable's other end says of its peer.
	 */
	follow({ a, b }: TopologyLink, used: ReadonlySet<string>): [End, End] {
		const names = (end: typeof a, far: typeof a) => (end.dev ? [end.dev] : [`${far.node}-${far.dev}`, far.node]);
		const found = (end: typeof a, far: typeof a): Spot | undefined => {
			for (const ns of this.names(end.node))
				for (const dev of names(end, far)) {
					const spot = { node: end.node, ns, dev };
					const link = this.link(spot);
					// One that leads elsewhere only has the name of the planned one.
					if (link && !used.has(spotKey(spot)) && (!link.peer || link.peer.node === far.node)) return spot;
				}
			return undefined;
		};
		const across = (spot: Spot | undefined): Spot | undefined => {
			const peer = spot && this.link(spot)?.peer;
			const other = peer && this.spot(peer);
			return other && this.link(other) ? other : undefined;
		};
		let near = found(a, b);
		let far = across(near) ?? found(b, a);
		near ??= across(far);
		// Two names that both exist, but lead to others, are no cable.
		if (near && far && this.link(near)?.peer && !across(near)) far = undefined;
		const end = (spot: Spot | undefined, planned: typeof a, other: typeof a): End => {
			if (spot) return { spot, state: "on" };
			const known = this.namespace(planned.node, "") !== undefined && !this.state?.nodes[planned.node]?.down;
			const dev = planned.dev || `${other.node}-${other.dev}`;
			return { spot: { node: planned.node, ns: "", dev }, state: known ? "missing" : "unknown" };
		};
		return [end(near, a, b), end(far, b, a)];
	}
}

function machine(node: TopologyNode, kernel: Kernel, hosts: HostState[]): Machine {
	const seen = kernel.state?.nodes[node.name];
	const told = hosts.find((host) => host.name === node.name)?.state;
	const own = zone(node.name, "", kernel);
	const named = kernel
		.names(node.name)
		.filter((ns) => ns !== "")
		.map((ns) => zone(node.name, ns, kernel));
	let state: MachineState = "up";
	if (told === "rebooting" || told === "down") state = told;
	else if (seen?.down) state = "rebooting";
	else if (!seen?.namespace) state = "waiting";
	const label = node.label === node.name ? "" : node.label;
	return { name: node.name, kind: node.kind, label, at: node.at, state, own, named };
}

function zone(node: string, ns: string, kernel: Kernel): Zone {
	const namespace = kernel.namespace(node, ns);
	const key = zoneKey(node, ns);
	return {
		key,
		node,
		ns,
		label: kernel.labels.get(key) || ns,
		devices: (namespace?.links ?? []).map((link) => device({ node, ns, dev: link.name }, link, kernel)),
		forwarding: Boolean(namespace?.forwarding || namespace?.forwarding6),
		routes: namespace?.routes ?? [],
		neighbours: namespace?.neighbours ?? [],
	};
}

function device(spot: Spot, link: NetworkLink, kernel: Kernel): Device {
	return {
		key: spotKey(spot),
		spot,
		type: link.type,
		state: !link.up ? "off" : link.carrier ? "on" : "idle",
		planned: false,
		was: "",
		addresses: link.addresses ?? [],
		mac: link.mac ?? "",
		mtu: link.mtu,
		master: link.master ?? "",
		peer: link.peer ? kernel.spot(link.peer) : null,
		learned: link.fdb ?? [],
	};
}

function placeholder(spot: Spot, state: DeviceState): Device {
	return {
		key: spotKey(spot),
		spot,
		type: "",
		state,
		planned: true,
		was: "",
		addresses: [],
		mac: "",
		mtu: 0,
		master: "",
		peer: null,
		learned: [],
	};
}

function cableState(a: Device | undefined, b: Device | undefined): CableState {
	const states = [a?.state ?? "missing", b?.state ?? "missing"];
	if (states.includes("missing")) return "missing";
	if (states.includes("unknown")) return "unknown";
	return states.every((state) => state === "on") ? "on" : "off";
}

/** The planned devices come first, so that a cable does not jump when others appear. */
function byImportance(a: Device, b: Device): number {
	const rank = (d: Device) => (isLoopback(d) ? -1 : d.planned ? 0 : 1);
	// Sorting is stable: within a rank the kernel's order stays; the planned ones go by name.
	const name = (d: Device) => d.was || d.spot.dev;
	return rank(a) - rank(b) || (rank(a) === 0 ? name(a).localeCompare(name(b), "en", { numeric: true }) : 0);
}

export const isLoopback = (device: Device): boolean => device.type === "loopback" || device.spot.dev === "lo";

/** The addresses that tell something: every machine has those of its loopback. */
export function tellingAddresses(device: Device): string[] {
	if (!isLoopback(device)) return device.addresses;
	return device.addresses.filter((address) => address !== "127.0.0.1/8" && address !== "::1/128");
}

/** A device, and those enslaved to it. */
export interface Item {
	device: Device;
	members: Device[];
}

/**
 * The devices that the diagram draws: not the loopback, unless somebody gave
 * it an address. Enslaved devices stand beneath their master.
 */
export function drawn(zone: Zone): Item[] {
	const shown = zone.devices.filter((d) => !isLoopback(d) || tellingAddresses(d).length > 0);
	const names = new Set(shown.map((d) => d.spot.dev));
	const isMember = (d: Device) => d.master !== "" && d.master !== d.spot.dev && names.has(d.master);
	const beneath = (master: string, seen: Set<string>): Device[] =>
		shown
			.filter((d) => isMember(d) && d.master === master && !seen.has(d.key))
			.flatMap((d) => [d, ...beneath(d.spot.dev, seen.add(d.key))]);
	return shown
		.filter((d) => !isMember(d))
		.map((device) => ({ device, members: beneath(device.spot.dev, new Set([device.key])) }));
}

/** The ports of a switch. */
export function ports(machine: Machine): Device[] {
	return machine.own.devices.filter((d) => !isLoopback(d) && d.type !== "bridge");
}

/** How many addresses a switch has learned. */
export function learnedCount(machine: Machine): number {
	return ports(machine).reduce((sum, port) => sum + port.learned.length, 0);
}

/**
 * What has changed from one moment to the next, by the keys of devices,
 * zones and cables. Whatever was unknown before is no news.
 */
export function changes(before: Network, after: Network): Set<string> {
	const news = new Set<string>();
	const old = facts(before);
	const waiting = new Set(before.machines.filter((m) => m.state === "waiting").map((m) => m.name));
	for (const [key, fact] of facts(after)) {
		if (fact === null || old.get(key) === fact || old.get(key) === null) continue;
		if (!old.has(key) && waiting.has(key.slice(0, key.indexOf("/")))) continue;
		news.add(key);
	}
	return news;
}

/** What can be news, as text that differs when it does; null while nobody knows. */
function facts(network: Network): Map<string, string | null> {
	const all = new Map<string, string | null>();
	for (const m of network.machines) {
		const known = m.state !== "waiting";
		if (m.kind === "switch") all.set(`learned:${m.name}`, known ? String(learnedCount(m)) : null);
		for (const z of [m.own, ...m.named]) {
			all.set(z.key, known ? `${z.label} ${z.forwarding}` : null);
			for (const d of z.devices)
				all.set(d.key, d.state === "unknown" ? null : [d.state, d.master, ...d.addresses].join(" "));
		}
	}
	for (const c of network.cables)
		all.set(c.key, c.state === "unknown" ? null : `${c.state} ${spotKey(c.a)} ${spotKey(c.b)}`);
	return all;
}
