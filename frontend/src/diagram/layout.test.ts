import { describe, expect, test } from "vitest";
import type { NetworkState, Topology } from "../api/types";
import type { Box, Card } from "./card";
import { layout, type Picture } from "./layout";
import { shorten, shortenMiddle, width } from "./measure";
import { network } from "./model";
import * as sample from "./samples";
import { text } from "./text";
import { fitted, foot, moveBy, showCard, viewBox, zoomBy } from "./view";

const room = { width: 720, height: 340 };

function picture(topology: Topology, state: NetworkState | null, size = room): Picture {
	return layout(network(topology, state, []), text.all.ko, size);
}

const star: Topology = {
	nodes: [
		{ name: "sw", kind: "switch", label: "sw", at: [2, 0] },
		...["A", "B", "C", "D", "E"].map((name, i) => ({
			name,
			kind: "host" as const,
			label: name,
			at: [i, 1] as [number, number],
		})),
	],
	links: ["A", "B", "C", "D", "E"].map((node) => ({ a: { node, dev: "eth0" }, b: { node: "sw", dev: "" } })),
};

const overlap = (a: Box, b: Box) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
const inside = (a: Box, b: Box) => a.x >= b.x && a.y >= b.y && a.x + a.w <= b.x + b.w && a.y + a.h <= b.y + b.h;
const card = (p: Picture, name: string) => p.cards.find((c) => c.machine.name === name) as Card;

const all: [string, Topology, NetworkState | null][] = [
	["switching, before the first state", sample.switching, null],
	["switching", sample.switching, sample.switchingHalf()],
	["routing", sample.routing, sample.routingReady()],
	["namespaces with a cable", sample.namespaces, sample.namespacesCable(true)],
	["namespaces behind a bridge", sample.namespaces, sample.namespacesBridge()],
	["a moved device", sample.namespaces, sample.namespacesMoved()],
	["a deleted cable", sample.namespaces, sample.namespacesDeleted()],
	["a row of hosts beneath a switch", star, null],
];

describe.each(all)("%s", (_, topology, state) => {
	test.each([480, 720, 900, 300])("in %i pixels: no card touches another, and all is within the picture", (w) => {
		const p = picture(topology, state, { width: w, height: w === 300 ? 700 : 320 });
		for (const [i, a] of p.cards.entries()) {
			expect(inside(a, p)).toBe(true);
			for (const b of p.cards.slice(i + 1)) expect(overlap(a, b), `${a.machine.name} ${b.machine.name}`).toBe(false);
		}
	});

	test("rows and frames lie within their card, and rows not on each other", () => {
		for (const c of picture(topology, state).cards) {
			const whole = { x: 0, y: 0, w: c.w, h: c.h };
			for (const part of [...c.rows, ...c.frames, ...c.more]) expect(inside(part, whole)).toBe(true);
			for (const [i, a] of c.rows.entries()) for (const b of c.rows.slice(i + 1)) expect(overlap(a, b)).toBe(false);
			for (const row of c.rows)
				for (const line of [row.name, ...row.addresses]) expect(24 + width(line.text, 12)).toBeLessThanOrEqual(row.w);
		}
	});

	test("every cable of the topology is drawn", () => {
		const p = picture(topology, state);
		expect(p.cables).toHaveLength(topology.links.length);
		for (const wire of p.cables) expect(wire.path).not.toMatch(/NaN|undefined|Infinity/);
	});
});

test("the author's order is kept", () => {
	const p = picture(sample.routing, sample.routingReady());
	const middle = (name: string) => card(p, name).x + card(p, name).w / 2;
	const xs = ["A", "sw1", "R", "sw2", "C"].map(middle);
	expect(xs).toEqual([...xs].sort((a, b) => a - b));
	expect(card(p, "A").y).toBeLessThan(card(p, "B").y);
});

test("a cable ends at its device, in the namespace where it is", () => {
	const p = picture(sample.namespaces, sample.namespacesMoved());
	const node = card(p, "node");
	const row = node.rows.find((r) => r.device.spot.dev === "eth0");
	const frame = node.frames.find((f) => f.kind === "namespace");
	const wire = p.cables[0];
	expect(wire?.a.x).toBe(node.x + (frame?.x ?? 0) + (frame?.w ?? 0));
	expect(wire?.a.y).toBeGreaterThan(node.y + (row?.y ?? 0));
	expect(wire?.a.y).toBeLessThan(node.y + (row?.y ?? 0) + (row?.h ?? 0));
	expect(wire?.leads).toHaveLength(1);
});

test("cables within a card have lanes of their own, beside the frames", () => {
	const node = card(picture(sample.namespaces, sample.namespacesBridge()), "node");
	expect(node.lanes).toHaveLength(3);
	const xs = node.lanes.map((l) => Number(/V/.test(l.path) && /Q(\S+)/.exec(l.path)?.[1]));
	expect(new Set(xs).size).toBe(3);
	for (const x of xs) for (const frame of node.frames) expect(x).toBeLessThan(frame.x);
	for (const x of xs) expect(x).toBeGreaterThan(0);
});

test("a host stays where it is when it gets an address, or a namespace", () => {
	const before = picture(sample.switching, null);
	const after = picture(sample.switching, sample.switchingHalf());
	for (const name of ["A", "B", "sw"])
		expect(card(after, name)).toMatchObject({ x: card(before, name).x, y: card(before, name).y });
	expect(card(after, "A").h).toBe(card(before, "A").h);
	const long = picture(sample.namespaces, sample.namespacesBridge());
	expect(card(long, "node").y).toBe(card(long, "peer").y);
});

test("long lists and addresses are shortened, and can be read in full", () => {
	const links = Array.from({ length: 12 }, (_, i) => sample.link(`dummy${i}`, { type: "dummy" }));
	links.push(sample.link("eth9", { type: "dummy" }));
	(links[0] as { addresses: string[] }).addresses = ["10.0.0.1/8", "10.0.0.2/8", "10.0.0.3/8", "10.0.0.4/8"];
	const state = sample.namespacesDeleted();
	state.nodes.node = sample.host(links);
	const node = card(picture(sample.namespaces, state), "node");
	expect(node.rows).toHaveLength(7);
	expect(node.more[0]?.full).toContain("eth9");
	const many = node.rows.find((r) => r.device.spot.dev === "dummy0");
	expect(many?.addresses.map((l) => l.text)).toEqual(["10.0.0.1/8", "10.0.0.2/8 +2"]);
	expect(many?.addresses[1]?.full).toContain("10.0.0.4/8");
});

test("measure", () => {
	expect(width("가", 10, "sans")).toBeGreaterThan(width("a", 10, "sans"));
	expect(shorten("abcdef", 4)).toEqual({ text: "abc…", full: "abcdef" });
	expect(shortenMiddle("2001:db8:1234:5678:9abc:def0:1234:5678/64", 22).text).toHaveLength(22);
});

describe("view", () => {
	const p = picture(sample.namespaces, sample.namespacesCable(true));

	test("fitted, all is in sight, in the pane's proportions", () => {
		const seen = viewBox(p, room, fitted);
		expect(inside(p, seen)).toBe(true);
		expect(seen.w / seen.h).toBeCloseTo(room.width / room.height);
	});

	test("the buttons hide no card", () => {
		const full = picture(sample.routing, sample.routingReady(), { width: 720, height: 300 });
		const size = { width: 720, height: 300 };
		const seen = viewBox(full, size, fitted);
		const scale = size.width / seen.w;
		if (foot(full, size) === 0) return;
		for (const c of full.cards) expect((c.y + c.h - seen.y) * scale).toBeLessThanOrEqual(size.height - 34 + 0.5);
	});

	test("zooming is bounded, moving keeps the drawing in reach", () => {
		let view = fitted;
		for (let i = 0; i < 30; i++) view = zoomBy(view, 1.25, p);
		expect(view.zoom).toBe(4);
		expect(moveBy(view, 1e6, -1e6, p)).toMatchObject({ x: p.w / 2, y: -p.h / 2 });
		const peer = card(p, "peer");
		const shown = viewBox(p, room, showCard({ ...view, zoom: 1.5 }, peer, p, room));
		expect(inside(peer, shown)).toBe(true);
	});
});
