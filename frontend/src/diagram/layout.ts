/**
 * Positions: from the units of the author's grid to the drawing's own. Every
 * card is as large as what it holds; the grid is stretched until none touches
 * another, and cables have room. What is drawn depends on nothing but the
 * network, the words and the pane's proportions.
 */
import { type Box, type Card, hostCard, switchCard } from "./card";
import type { Cable, Machine, Network } from "./model";
import type { Words } from "./text";
import { type PlacedCable, type Side, sideOf, upright, wires } from "./wires";

export interface Picture extends Box {
	cards: Card[];
	cables: PlacedCable[];
}

export interface Room {
	width: number;
	height: number;
}

/** Where machines stand in the author's grid, by their names. */
export type Grid = ReadonlyMap<string, { x: number; y: number; kind: Machine["kind"] }>;
type Cell = { x: number; y: number };

const gap = { cable: 68, switch: 38, beside: 28, above: 26 };
const padding = 14;
/** Larger than this, a small network looks lost in big letters. */
export const maxScale = 1.2;
const stretch = 1.6;

/** Puts the network into a drawing that suits the room. */
export function layout(network: Network, t: Words, room: Room): Picture {
	const at = places(network.machines);
	const outer = network.cables.filter((c) => c.a.node !== c.b.node && at.has(c.a.node) && at.has(c.b.node));
	const cards = network.machines.map((machine) => makeCard(machine, network, outer, at, t));
	const joined = new Map(outer.map((c) => [pairOf(c.a.node, c.b.node), upright(sideOf(c, c.a.node, at))]));
	const [sx, sy] = scales(cards, at, joined, room);
	for (const card of cards) {
		const { x, y } = at.get(card.machine.name) as Cell;
		card.x = Math.round(x * sx - card.w / 2);
		card.y = Math.round(y * sy - card.base / 2);
	}
	const cables = wires(outer, new Map(cards.map((card) => [card.machine.name, card])), at);
	return { cards, cables, ...bounds(cards, cables) };
}

const pairOf = (a: string, b: string): string => [a, b].sort().join("~");

/** The grid, with machines that share a place set apart. */
function places(machines: Machine[]): Grid {
	const taken = new Set<string>();
	const at = new Map<string, Cell & { kind: Machine["kind"] }>();
	for (const machine of machines) {
		let [x, y] = machine.at;
		while (taken.has(`${x},${y}`)) x += 1;
		taken.add(`${x},${y}`);
		at.set(machine.name, { x, y, kind: machine.kind });
	}
	return at;
}

function makeCard(m: Machine, network: Network, outer: Cable[], at: Grid, t: Words): Card {
	const sides: Record<Side, number> = { left: 0, right: 0, top: 0, bottom: 0 };
	for (const cable of outer) if (cable.a.node === m.name || cable.b.node === m.name) sides[sideOf(cable, m.name, at)]++;
	if (m.kind === "switch")
		return switchCard(m, Math.max(sides.left, sides.right), Math.max(sides.top, sides.bottom), t);
	const inner = network.cables.filter((c) => c.a.node === m.name && c.b.node === m.name);
	return hostCard(m, inner, sides.left > sides.right ? "right" : "left", t);
}

interface Pair {
	/** The least unit at which the two stand beside, or above, each other. */
	x: number;
	y: number;
	/** Only beside each other will do. */
	must: boolean;
}

/**
 * The lengths of the grid's units. Two cards with a cable between their sides
 * stand beside each other with room for it; any others beside or above each
 * other, whichever makes the drawing fit the room best.
 */
function scales(cards: Card[], at: Grid, joined: Map<string, boolean>, room: Room): [number, number] {
	const pairs: Pair[] = [];
	for (const [i, a] of cards.entries())
		for (const b of cards.slice(i + 1)) {
			const [p, q] = [at.get(a.machine.name), at.get(b.machine.name)] as [Cell, Cell];
			const beside = joined.get(pairOf(a.machine.name, b.machine.name));
			const cable = beside !== undefined;
			const oneSwitch = a.machine.kind === "switch" || b.machine.kind === "switch";
			const between = cable ? (oneSwitch ? gap.switch : gap.cable) : gap.beside;
			const dx = Math.abs(p.x - q.x);
			const dy = Math.abs(p.y - q.y);
			const [upper, lower] = p.y <= q.y ? [a, b] : [b, a];
			const tall = upper.h - upper.base / 2 + lower.base / 2 + (cable ? gap.switch : gap.above);
			pairs.push({
				x: dx > 0 ? ((a.w + b.w) / 2 + between) / dx : Number.POSITIVE_INFINITY,
				y: dy > 0 ? tall / dy : Number.POSITIVE_INFINITY,
				must: beside === true && dx > 0,
			});
		}
	const rows = [...new Set([...at.values()].map(({ y }) => y))].sort((a, b) => a - b);
	const steps = rows.slice(1).map((y, i) => y - (rows[i] as number));
	// Rows differ to the eye even where nothing forces them apart.
	const least = steps.length > 0 ? 46 / Math.min(...steps) : 0;
	let best: [number, number] = [0, 0];
	let bestFit = -1;
	for (const sy of [least, ...pairs.map((p) => p.y).filter((y) => Number.isFinite(y) && y > least)]) {
		let sx = 0;
		for (const pair of pairs) if (pair.must || pair.y > sy + 1e-9) sx = Math.max(sx, pair.x);
		if (!Number.isFinite(sx)) continue;
		const fit = fitOf(extent(cards, at, sx, sy), room);
		if (fit > bestFit + 1e-9) [best, bestFit] = [[sx, sy], fit];
	}
	return widen(cards, at, best, room);
}

/** Uses what the room has left over in one direction, in moderation. */
function widen(cards: Card[], at: Grid, [sx, sy]: [number, number], room: Room): [number, number] {
	const scale = Math.min(fitOf(extent(cards, at, sx, sy), room), maxScale);
	let [x, y] = [sx, sy];
	for (let i = 1; i <= 12; i++) {
		const f = 1 + ((stretch - 1) * i) / 12;
		if (extent(cards, at, sx * f, sy).w * scale <= room.width) x = sx * f;
		if (extent(cards, at, sx, sy * f).h * scale <= room.height) y = sy * f;
	}
	return [x, y];
}

function extent(cards: Card[], at: Grid, sx: number, sy: number): { w: number; h: number } {
	const edges = new Edges();
	for (const card of cards) {
		const { x, y } = at.get(card.machine.name) as Cell;
		edges.box(x * sx - card.w / 2, y * sy - card.base / 2, card.w, card.h);
	}
	return edges.result();
}

/** The scale at which a drawing fits, no matter whether that is too large. */
export function fitOf(box: { w: number; h: number }, room: Room): number {
	return Math.min(room.width / Math.max(1, box.w), room.height / Math.max(1, box.h));
}

function bounds(cards: Card[], cables: PlacedCable[]): Box {
	const edges = new Edges();
	for (const card of cards) edges.box(card.x, card.y, card.w, card.h);
	for (const { mid } of cables) edges.box(mid.x, mid.y, 0, 0);
	return edges.result();
}

/** The box around boxes, and some air. */
class Edges {
	private left = Number.POSITIVE_INFINITY;
	private right = Number.NEGATIVE_INFINITY;
	private top = Number.POSITIVE_INFINITY;
	private bottom = Number.NEGATIVE_INFINITY;

	box(x: number, y: number, w: number, h: number): void {
		this.left = Math.min(this.left, x);
		this.right = Math.max(this.right, x + w);
		this.top = Math.min(this.top, y);
		this.bottom = Math.max(this.bottom, y + h);
	}

	result(): Box {
		if (this.left > this.right) return { x: 0, y: 0, w: 0, h: 0 };
		return {
			x: this.left - padding,
			y: this.top - padding,
			w: this.right - this.left + 2 * padding,
			h: this.bottom - this.top + 2 * padding,
		};
	}
}
