/** A network small enough for two hundred of them: where machines stand, which cables carry, who has an address. Pure. */
import type { Thumb, ThumbDevice } from "../../api/classes";
import type { Topology } from "../../api/types";

export interface SmallNode {
	name: string;
	kind: "host" | "switch";
	x: number;
	y: number;
	state: "bare" | "addressed" | "down";
	namespaces: number;
}

export interface SmallCable {
	key: string;
	on: boolean;
	x1: number;
	y1: number;
	x2: number;
	y2: number;
}

export interface Small {
	viewBox: string;
	nodes: SmallNode[];
	cables: SmallCable[];
	connected: number;
	addresses: number;
	namespaces: number;
}

/** The author's grid in the picture's units. */
const unit = { x: 16, y: 22 };
const margin = 12;

export function sketch(topology: Topology, thumb: Thumb): Small {
	const devices = (node: string): ThumbDevice[] => (thumb.nodes[node]?.devs ?? []).filter((dev) => dev.name !== "lo");
	const nodes = topology.nodes.map(({ name, kind, at }): SmallNode => {
		const seen = thumb.nodes[name];
		const addressed = devices(name).some((dev) => dev.addrs > 0);
		return {
			name,
			kind,
			x: at[0] * unit.x,
			y: at[1] * unit.y,
			state: !seen || seen.down ? "down" : addressed ? "addressed" : "bare",
			namespaces: seen?.namespaces ?? 0,
		};
	});
	const place = new Map(nodes.map((node) => [node.name, node]));
	const cables = topology.links.flatMap(({ a, b }, i): SmallCable[] => {
		const [from, to] = [place.get(a.node), place.get(b.node)];
		if (!from || !to) return [];
		// A device that the learner has moved into a namespace of its own is not told of: the other end knows whether it carries.
		const ends = [find(devices(a.node), a.dev, b), find(devices(b.node), b.dev, a)].filter((end) => end !== undefined);
		const on = ends.length > 0 && ends.every((dev) => dev.up && dev.carrier);
		return [{ key: String(i), on, x1: from.x, y1: from.y, x2: to.x, y2: to.y }];
	});
	const xs = nodes.map((node) => node.x);
	const ys = nodes.map((node) => node.y);
	const [left, top] = [Math.min(0, ...xs) - margin, Math.min(0, ...ys) - margin];
	const [right, bottom] = [Math.max(0, ...xs) + margin, Math.max(0, ...ys) + margin];
	return {
		viewBox: `${left} ${top} ${right - left} ${bottom - top}`,
		nodes,
		cables,
		connected: cables.filter((cable) => cable.on).length,
		addresses: nodes.reduce((sum, node) => sum + devices(node.name).reduce((n, dev) => n + dev.addrs, 0), 0),
		namespaces: nodes.reduce((sum, node) => sum + node.namespaces, 0),
	};
}

/** A switch's port has no name of its own in a lab: it is called after what is at the other end. */
function find(devices: ThumbDevice[], dev: string, far: { node: string; dev: string }): ThumbDevice | undefined {
	const names = dev ? [dev] : [`${far.node}-${far.dev}`, far.node];
	return devices.find((device) => names.includes(device.name));
}
