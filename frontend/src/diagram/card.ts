/** The inside of a card: a machine's devices and namespaces, one beneath the other, with the cables between them. */
import { type Line, shorten, shortenMiddle, width } from "./measure";
import {
	type Cable,
	type Device,
	drawn,
	type Item,
	learnedCount,
	type Machine,
	ports,
	spotKey,
	tellingAddresses,
	type Zone,
} from "./model";
import { machineWord, stateWord, type Words } from "./text";

export interface Box {
	x: number;
	y: number;
	w: number;
	h: number;
}

export const font = { name: 13, device: 12, small: 10.5 };
const pad = 10;
const header = 30;
const zoneHeader = 23;
const nameLine = 17;
const addressLine = 15;
const glyph = 14;
const indent = 12;
const margin = 8;
const lane = 9;
const maxItems = 8;
const maxAddresses = 2;
const minWidth = 146;

/** A device as a row of a card. */
export interface Row extends Box {
	device: Device;
	name: Line;
	/** A word at the right: the state, unless connected, or the type. */
	note: string;
	addresses: Line[];
	/** Says that it has none. */
	bare: string;
}

/** Devices for which there was no room. */
export interface More extends Box {
	text: string;
	full: string;
}

/** A frame within the card: a namespace, or a bridge with its ports. */
export interface Frame extends Box {
	kind: "namespace" | "bridge";
	key: string;
	title: Line;
	forwarding: boolean;
}

/** Where a cable ends, from the left and from the right. */
export interface Pin {
	y: number;
	/** The edges of the innermost frame around the device. */
	left: number;
	right: number;
	/** In the card's own part, not in a frame of it. */
	root: boolean;
}

/** A cable within a card, in the card's own coordinates. */
export interface Lane {
	cable: Cable;
	path: string;
	ends: [number, number][];
}

export interface Card extends Box {
	machine: Machine;
	title: Line;
	/** The author's word for it, or that it routes, or that it is not up. */
	note: string;
	forwarding: boolean;
	/** The height of what was planned, so that what is added does not move it. */
	base: number;
	frames: Frame[];
	rows: Row[];
	more: More[];
	pins: Map<string, Pin>;
	lanes: Lane[];
}

/** Draws a host's card at the origin. The lanes of its inner cables run on the side that is given. */
export function hostCard(machine: Machine, inner: Cable[], side: "left" | "right", t: Words): Card {
	const nested = machine.named.length > 0;
	// The widths of the margins do not matter to how many lanes there are.
	const lanes = inner.length > 0 ? assign(new Stack(machine, t).finish(0, 0), inner).lanes : 0;
	const gutter = lanes > 0 ? margin + 5 + lanes * lane : nested ? margin : 0;
	const left = side === "left" ? gutter : nested ? margin : 0;
	const right = side === "right" ? gutter : nested ? margin : 0;
	const card = new Stack(machine, t).finish(left, right);
	lay(card, inner, side, side === "left" ? left : card.w - right);
	return card;
}

/** Gives each inner cable a lane in which it meets no other. */
function assign(card: Card, inner: Cable[]) {
	const spans = inner.flatMap((cable) => {
		const a = card.pins.get(spotKey(cable.a));
		const b = card.pins.get(spotKey(cable.b));
		return a && b ? [{ cable, a, b, from: Math.min(a.y, b.y), to: Math.max(a.y, b.y), lane: 0 }] : [];
	});
	// The short ones run inside of the long ones.
	spans.sort((p, q) => p.to - p.from - (q.to - q.from) || p.from - q.from);
	let lanes = 0;
	for (const [i, span] of spans.entries()) {
		const taken = new Set(
			spans
				.slice(0, i)
				.filter((other) => other.from < span.to + 6 && span.from < other.to + 6)
				.map((other) => other.lane),
		);
		while (taken.has(span.lane)) span.lane++;
		lanes = Math.max(lanes, span.lane + 1);
	}
	return { spans, lanes };
}

function lay(card: Card, inner: Cable[], side: "left" | "right", edge: number): void {
	const out = side === "left" ? -1 : 1;
	for (const { cable, a, b, lane: n } of assign(card, inner).spans) {
		const x = edge + out * (10 + n * lane);
		const [top, low] = a.y <= b.y ? [a, b] : [b, a];
		const from = side === "left" ? top.left : top.right;
		const to = side === "left" ? low.left : low.right;
		const r = Math.min(6, (low.y - top.y) / 2);
		const turn = x - out * r;
		const path =
			`M${from} ${top.y}H${turn}Q${x} ${top.y} ${x} ${top.y + r}` +
			`V${low.y - r}Q${x} ${low.y} ${turn} ${low.y}H${to}`;
		const ends: [number, number][] = [
			[from, top.y],
			[to, low.y],
		];
		card.lanes.push({ cable, path, ends });
	}
}

type Inset<T> = T & { inset: number };

/** Puts rows and frames beneath each other; widths are settled at the end. */
class Stack {
	private y = header;
	private need = 0;
	private readonly frames: Inset<Frame>[] = [];
	private readonly rows: Inset<Row>[] = [];
	private readonly more: (Inset<More> & { hidden: Device[] })[] = [];
	private readonly title: Line;
	private readonly note: string;
	private readonly base: number;

	constructor(
		private readonly machine: Machine,
		private readonly t: Words,
	) {
		this.title = shorten(machine.name, 18);
		const state = machineWord(t, machine.state);
		const routes = machine.own.forwarding;
		this.note = shorten(state || machine.label || (routes ? t.router : ""), 16).text;
		const note = this.note ? width(this.note, font.small, "sans") + 12 : 0;
		// With room for the sign of the terminal in front.
		this.want(width(this.title.text, font.name, "sans") + 22 + note + (routes ? 20 : 0), 0);
		this.y += 5;
		this.zone(machine.own);
		const planned = machine.own.devices.filter((d) => d.planned).length;
		this.base = header + 10 + Math.max(1, planned) * (nameLine + addressLine + 4);
		this.y += 4;
		for (const zone of machine.named) this.namespace(zone);
	}

	private want(text: number, inset: number): void {
		this.need = Math.max(this.need, text + 2 * inset + 2 * pad);
	}

	private frame(kind: Frame["kind"], key: string, title: Line, inset: number): Inset<Frame> {
		const frame = { kind, key, title, forwarding: false, x: 0, y: this.y, w: 0, h: 0, inset };
		this.frames.push(frame);
		return frame;
	}

	private namespace(zone: Zone): void {
		const frame = this.frame("namespace", zone.key, shorten(zone.label, 22), 0);
		frame.forwarding = zone.forwarding;
		const word = width(this.t.namespace, font.small, "sans") + 14 + (zone.forwarding ? 20 : 0);
		this.want(width(frame.title.text, font.device) + word, 0);
		this.y += zoneHeader;
		const rows = this.rows.length;
		this.zone(zone);
		if (this.rows.length > rows) this.y += 3;
		frame.h = this.y - frame.y;
		this.y += margin;
	}

	private zone(zone: Zone): void {
		const items = drawn(zone);
		const total = items.reduce((n, item) => n + 1 + item.members.length, 0);
		let room = total > maxItems ? maxItems - 1 : total;
		const hidden: Device[] = [];
		for (const item of items) {
			if (room <= 0) hidden.push(item.device, ...item.members);
			else this.item(item, room, hidden);
			room -= 1 + item.members.length;
		}
		if (hidden.length === 0) return;
		const text = this.t.more(hidden.length);
		const full = hidden.map((d) => [d.spot.dev, ...tellingAddresses(d)].join(" ")).join("\n");
		this.more.push({ text, full, x: 0, y: this.y, w: 0, h: nameLine, inset: 0, hidden });
		this.want(width(text, font.small, "sans") + glyph, 0);
		this.y += nameLine + 3;
	}

	private item(item: Item, room: number, hidden: Device[]): void {
		if (item.device.type !== "bridge" && item.members.length === 0) {
			this.row(item.device, 0, false);
			return;
		}
		const inset = 4;
		const frame = this.frame("bridge", `bridge:${item.device.key}`, { text: "", full: "" }, inset);
		this.y += 3;
		this.row(item.device, inset, false);
		for (const [i, member] of item.members.entries())
			if (i + 1 < room) this.row(member, inset + indent, true);
			else hidden.push(member);
		frame.h = this.y - frame.y;
		this.y += 5;
	}

	private row(device: Device, inset: number, member: boolean): void {
		const { t } = this;
		const word = device.state === "on" || device.state === "unknown" ? "" : stateWord(t, device);
		const plain = ["", "veth", "loopback", "device"].includes(device.type);
		const note = word || (plain ? "" : shorten(device.type, 9).text);
		const all = tellingAddresses(device);
		const addresses = all.slice(0, maxAddresses).map((address) => shortenMiddle(address, 22));
		const last = addresses.at(-1);
		if (last && all.length > addresses.length) {
			const rest = all.length - addresses.length;
			addresses[addresses.length - 1] = { text: `${shortenMiddle(last.full, 18).text} +${rest}`, full: all.join("\n") };
		}
		const silent = device.state === "missing" || device.type === "bridge" || device.master !== "";
		const bare = addresses.length > 0 || silent || device.state === "unknown" ? "" : t.noAddress;
		// A planned device keeps the room for its address, so that the card stays as it is when it gets one.
		const lines = Math.max(addresses.length, bare || (device.planned && !member) ? 1 : 0);
		const name = shorten(device.spot.dev, 15);
		const h = nameLine + lines * addressLine + 4;
		this.rows.push({ device, name, note, addresses, bare, x: 0, y: this.y, w: 0, h, inset });
		this.want(glyph + width(name.text, font.device) + (note ? 10 + width(note, font.small, "sans") : 0), inset);
		for (const line of addresses) this.want(glyph + width(line.text, font.device), inset);
		this.y += h;
	}

	finish(left: number, right: number): Card {
		const inner = Math.ceil(Math.max(this.need, minWidth));
		const pins = new Map<string, Pin>();
		const pin = (d: Device, y: number) => {
			const bridge = this.frames.find((f) => f.kind === "bridge" && y >= f.y && y <= f.y + f.h);
			const root = d.spot.ns === "";
			// A namespace's frame is the outer one of the two.
			const edge = bridge && root ? bridge.inset : 0;
			pins.set(d.key, { y, left: left + edge, right: left + inner - edge, root: root && !bridge });
		};
		for (const row of this.rows) {
			row.x = left + row.inset;
			row.w = inner - row.inset - (row.inset ? 4 : 0);
			pin(row.device, row.y + 9.5);
		}
		for (const more of this.more) {
			more.x = left + more.inset;
			more.w = inner - more.inset;
			for (const d of more.hidden) pin(d, more.y + 9.5);
		}
		for (const frame of this.frames) {
			frame.x = left + frame.inset;
			frame.w = inner - 2 * frame.inset;
		}
		return {
			machine: this.machine,
			title: this.title,
			note: this.note,
			forwarding: this.machine.own.forwarding,
			base: this.base,
			frames: this.frames,
			rows: this.rows,
			more: this.more,
			pins,
			lanes: [],
			x: 0,
			y: 0,
			w: left + inner + right,
			h: this.y + (this.machine.named.length > 0 ? 0 : 2),
		};
	}
}

/** A switch: a low box; its ports stand on its edges, where the cables come in. */
export function switchCard(machine: Machine, tallest: number, widest: number, t: Words): Card {
	const title = shorten(machine.name, 14);
	const learned = learnedCount(machine);
	const note = machineWord(t, machine.state) || (learned > 0 ? t.learned(learned) : t.switch);
	const text = Math.max(
		width(title.text, font.name, "sans") + 20,
		...[note, t.switch, t.learned(9)].map((word) => width(word, font.small, "sans")),
	);
	const w = Math.ceil(Math.max(text + 2 * pad, widest * 16 + 8));
	const h = Math.max(42, tallest * 14 + 12);
	const pins = new Map<string, Pin>();
	for (const port of ports(machine)) pins.set(port.key, { y: h / 2, left: 0, right: w, root: true });
	return {
		machine,
		title,
		note,
		forwarding: false,
		base: h,
		frames: [],
		rows: [],
		more: [],
		pins,
		lanes: [],
		x: 0,
		y: 0,
		w,
		h,
	};
}
