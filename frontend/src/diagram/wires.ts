/** The ways of the cables between machines. */
import type { Card } from "./card";
import type { Grid } from "./layout";
import { type Cable, type Spot, spotKey } from "./model";

export interface Point {
	x: number;
	y: number;
}

export interface PlacedCable {
	cable: Cable;
	path: string;
	/** Where it is plugged in. */
	a: Point;
	b: Point;
	mid: Point;
	/** The parts of it that lie over a card, from a frame within to the card's edge. */
	leads: string[];
}

export type Side = "left" | "right" | "top" | "bottom";

/**
 * The side where a cable leaves one of its machines: towards the other one,
 * unless others stand in the way there; then above, or below.
 */
export function sideOf(cable: Cable, name: string, grid: Grid): Side {
	const far = cable.a.node === name ? cable.b.node : cable.a.node;
	const [here, there] = [grid.get(name), grid.get(far)] as [Point & Kind, Point & Kind];
	const others = [...grid].filter(([other]) => other !== name && other !== far).map(([, at]) => at);
	const between = (at: Point) => (at.y === here.y || at.y === there.y) && (at.x - here.x) * (at.x - there.x) < 0;
	// A row of hosts on one side of their switch: all of them, the nearest too.
	const inRow = (host: Point & Kind, hub: Point & Kind) =>
		host.kind === "host" &&
		hub.kind === "switch" &&
		others.some((at) => at.y === host.y && (at.x - hub.x) * (host.x - hub.x) > 0);
	const blocked = here.y !== there.y && (others.some(between) || inRow(here, there) || inRow(there, here));
	if (there.x !== here.x && !blocked) return there.x < here.x ? "left" : "right";
	return there.y < here.y ? "top" : "bottom";
}

type Kind = { kind: "host" | "switch" };

interface End {
	at: Point;
	/** Where the card's outer edge is left. */
	exit: Point;
	side: Side;
}

interface Port {
	end: End;
	far: End;
	card: Card;
}

/** Plugs each cable in, and draws it. */
export function wires(cables: Cable[], cards: ReadonlyMap<string, Card>, grid: Grid): PlacedCable[] {
	const ports: Port[] = [];
	const ends = cables.map((cable) => {
		const [from, to] = [cards.get(cable.a.node), cards.get(cable.b.node)] as [Card, Card];
		const a = plug(cable, cable.a, from, grid);
		const b = plug(cable, cable.b, to, grid);
		// Machines beneath each other whose cable runs by the side have both its ends there.
		if (upright(a.side) !== upright(b.side)) {
			if (grid.get(cable.a.node)?.x === grid.get(cable.b.node)?.x) {
				if (to.machine.kind === "switch") b.side = a.side;
				else if (from.machine.kind === "switch") a.side = b.side;
			}
		}
		if (from.machine.kind === "switch") ports.push({ end: a, far: b, card: from });
		if (to.machine.kind === "switch") ports.push({ end: b, far: a, card: to });
		return { cable, a, b };
	});
	spread(ports);
	return ends.map(({ cable, a, b }) => ({ cable, ...draw(a, b) }));
}

/** Of a card's left or right side. */
export const upright = (side: Side): boolean => side === "left" || side === "right";

/** Where a cable's end is on its card. A switch's is only roughly known before all are. */
function plug(cable: Cable, spot: Spot, card: Card, grid: Grid): End {
	let side = sideOf(cable, card.machine.name, grid);
	if (!upright(side) && card.machine.kind === "host") {
		// By the edge only where it is clear whose cable it is: the one that the lab knows.
		const planned = card.rows.filter((row) => row.device.planned).length;
		if (planned <= 1 && card.pins.get(spotKey(spot))?.root && (side === "top" || card.frames.length === 0)) {
			const point = { x: card.x + card.w / 2, y: side === "top" ? card.y : card.y + card.h };
			return { at: point, exit: point, side };
		}
		const far = grid.get(cable.a === spot ? cable.b.node : cable.a.node) as Point;
		side = far.x < (grid.get(card.machine.name) as Point).x ? "left" : "right";
	}
	const pin = card.pins.get(spotKey(spot));
	const y = card.y + (pin?.y ?? card.base / 2);
	const edge = side === "left" ? card.x : card.x + card.w;
	const inner = pin && !pin.root ? card.x + (side === "left" ? pin.left : pin.right) : edge;
	return { at: { x: inner, y }, exit: { x: edge, y }, side };
}

/** Sets the ports of a switch's side apart, in the order in which their cables arrive. */
function spread(all: Port[]): void {
	const groups = new Map<string, (Port & { rank: number })[]>();
	for (const port of all) {
		const key = `${port.card.machine.name} ${port.end.side}`;
		// Both ends may be switches: the order is read before anything moves.
		const rank = upright(port.end.side) ? port.far.at.y : port.far.at.x;
		groups.set(key, [...(groups.get(key) ?? []), { ...port, rank }]);
	}
	for (const group of groups.values()) {
		group.sort((p, q) => p.rank - q.rank);
		for (const [i, { end, card }] of group.entries()) {
			const nth = i - (group.length - 1) / 2;
			end.at = upright(end.side)
				? { x: end.side === "left" ? card.x : card.x + card.w, y: card.y + card.h / 2 + nth * 14 }
				: { x: card.x + card.w / 2 + nth * 16, y: end.side === "top" ? card.y : card.y + card.h };
			end.exit = end.at;
		}
	}
}

const outward: Record<Side, [number, number]> = { left: [-1, 0], right: [1, 0], top: [0, -1], bottom: [0, 1] };

function draw(a: End, b: End): Omit<PlacedCable, "cable"> {
	const dx = Math.abs(a.exit.x - b.exit.x);
	const dy = Math.abs(a.exit.y - b.exit.y);
	const across = upright(a.side) && upright(b.side) && a.side !== b.side;
	const reach = Math.max(18, Math.min(90, (across ? dx : Math.max(dx, dy)) * 0.5));
	const control = (end: End): Point => {
		const [ox, oy] = outward[end.side];
		return { x: end.exit.x + ox * reach, y: end.exit.y + oy * reach };
	};
	const [p, q] = [control(a), control(b)];
	const inside = (end: End) => end.at.x !== end.exit.x;
	return {
		path: `M${xy(a.exit)}C${xy(p)} ${xy(q)} ${xy(b.exit)}`,
		a: a.at,
		b: b.at,
		leads: [a, b].filter(inside).map((end) => `M${xy(end.at)}L${xy(end.exit)}`),
		mid: {
			x: (a.exit.x + 3 * p.x + 3 * q.x + b.exit.x) / 8,
			y: (a.exit.y + 3 * p.y + 3 * q.y + b.exit.y) / 8,
		},
	};
}

const round = (n: number) => Math.round(n * 10) / 10;
const xy = (p: Point) => `${round(p.x)} ${round(p.y)}`;
