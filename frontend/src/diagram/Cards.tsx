/** The drawn parts: cards of hosts and switches, rows of devices, cables. What they hold is said in words by Diagram. */
import { type Card, type Frame, font, type More, type Row } from "./card";
import { type Line, width } from "./measure";
import { type CableState, type DeviceState, learnedCount } from "./model";
import { stateWord, type Words } from "./text";
import type { PlacedCable } from "./wires";

/** When something last changed, by key; a number of its own each time, so that the pulse begins anew. */
export type News = ReadonlyMap<string, number>;

/** A soft light over what has just changed; it fades by itself. */
function Pulse({ at, ...box }: { at: number | undefined; x: number; y: number; width: number; height: number }) {
	return at === undefined ? null : <rect key={at} class="net-pulse" rx="3" {...box} />;
}

function Label({ line, class: name, x, y, size }: { line: Line; class: string; x: number; y: number; size: number }) {
	return (
		<text class={name} x={x} y={y} font-size={size}>
			{line.full !== line.text && <title>{line.full}</title>}
			{line.text}
		</text>
	);
}

/** The light of a device. Each state has a form of its own. */
function Light({ x, y, state }: { x: number; y: number; state: DeviceState }) {
	return (
		<g class="net-light" data-state={state} transform={`translate(${x} ${y})`}>
			<circle r="3.75" />
			{state === "off" && <path d="M-2.6 2.6 2.6 -2.6" />}
			{state === "missing" && <path d="M-2.2 -2.2 2.2 2.2M-2.2 2.2 2.2 -2.2" />}
		</g>
	);
}

/** Arrows to all sides: passes packets on. */
function Router({ x, y, title }: { x: number; y: number; title: string }) {
	return (
		<g class="net-router" transform={`translate(${x} ${y})`}>
			<title>{title}</title>
			<circle r="7" />
			<path d="M0 -4.4V4.4M-4.4 0H4.4M-1.5 -2.9 0 -4.4 1.5 -2.9M-1.5 2.9 0 4.4 1.5 2.9M-2.9 -1.5 -4.4 0 -2.9 1.5M2.9 -1.5 4.4 0 2.9 1.5" />
		</g>
	);
}

function DeviceRow({ row, news, t }: { row: Row; news: News; t: Words }) {
	const { device, x, y, w, h } = row;
	const middle = y + 9.5;
	const text = x + 24;
	return (
		<g class="net-device" data-state={device.state} data-device={device.key}>
			<title>
				{[
					row.name.full,
					device.was && t.was(device.was),
					stateWord(t, device),
					device.mac,
					device.mtu > 0 && `MTU ${device.mtu}`,
				]
					.filter(Boolean)
					.join(" · ")}
			</title>
			<Pulse at={news.get(device.key)} x={x + 4} y={y} width={w - 8} height={h - 1} />
			<Light x={x + 14} y={middle} state={device.state} />
			<text class="net-name" x={text} y={y + 13.5} font-size={font.device}>
				{row.name.text}
			</text>
			{row.note && (
				<text class="net-note" x={x + w - 10} y={y + 13.5} font-size={font.small} text-anchor="end">
					{row.note}
				</text>
			)}
			{row.addresses.map((line, i) => (
				<Label key={line.full} line={line} class="net-address" x={text} y={y + 28.5 + i * 15} size={font.device} />
			))}
			{row.bare && (
				<text class="net-bare" x={text} y={y + 28} font-size={font.small}>
					{row.bare}
				</text>
			)}
		</g>
	);
}

function MoreRow({ more }: { more: More }) {
	return (
		<text class="net-bare" x={more.x + 24} y={more.y + 13} font-size={font.small}>
			<title>{more.full}</title>
			{more.text}
		</text>
	);
}

function FrameBox({ frame, news, t }: { frame: Frame; news: News; t: Words }) {
	const { x, y, w, h, kind } = frame;
	return (
		<g class="net-frame" data-kind={kind} data-key={frame.key}>
			<rect class="net-frame-box" x={x} y={y} width={w} height={h} rx="3" />
			{kind === "namespace" && (
				<>
					<Pulse at={news.get(frame.key)} x={x} y={y} width={w} height={h} />
					<Label line={frame.title} class="net-ns" x={x + 10} y={y + 16} size={font.device} />
					<text class="net-note" x={x + w - 10} y={y + 15.5} font-size={font.small} text-anchor="end">
						{t.namespace}
					</text>
					{frame.forwarding && <Router x={x + 24 + [...frame.title.text].length * 7.4} y={y + 12} title={t.forwards} />}
				</>
			)}
		</g>
	);
}

/** A host with all that is in it. */
export function HostCard({ card, active, news, t }: { card: Card; active: boolean; news: News; t: Words }) {
	const { w, h, title, note } = card;
	const badge = card.forwarding ? 20 : 0;
	return (
		<>
			<rect class="net-box" width={w} height={h} rx="4" />
			<path class="net-head" d={`M.5 30V4.5a4 4 0 0 1 4-4H${w - 4.5}a4 4 0 0 1 4 4V30Z`} />
			<path class="net-rule" d={`M0 30H${w}`} />
			<Pulse at={news.get(card.machine.own.key)} x={0} y={0} width={w} height={30} />
			<Label line={title} class="net-title" x={10} y={20} size={font.name} />
			{note && (
				<text class="net-label" x={w - 10 - badge} y={19.5} font-size={font.small} text-anchor="end">
					{note}
				</text>
			)}
			{card.forwarding && <Router x={w - 17} y={15.5} title={t.forwards} />}
			{card.frames.map((frame) => (
				<FrameBox key={frame.key} frame={frame} news={news} t={t} />
			))}
			{card.lanes.map(({ cable, path, ends }) => (
				<g key={cable.key} class="net-cable" data-state={cable.state} data-cable={cable.key}>
					{news.has(cable.key) && <path key={news.get(cable.key)} class="net-pulse" d={path} />}
					<path class="net-wire" d={path} />
					{ends.map(([x, y]) => (
						<Plug key={`${x} ${y}`} x={x} y={y} />
					))}
				</g>
			))}
			{card.rows.map((row) => (
				<DeviceRow key={row.device.key} row={row} news={news} t={t} />
			))}
			{card.more.map((more) => (
				<MoreRow key={more.y} more={more} />
			))}
			{active && (
				<path class="net-prompt" d={`M${17 + width(title.text, font.name, "sans")} 12l3.5 3.5 -3.5 3.5m5.5 .5h5`} />
			)}
			<rect class="net-outline" x="-3" y="-3" width={w + 6} height={h + 6} rx="6" />
		</>
	);
}

/** A switch. */
export function SwitchCard({ card, news, t }: { card: Card; news: News; t: Words }) {
	const { w, h, title, note, machine } = card;
	const top = h / 2;
	const learned = learnedCount(machine);
	return (
		<>
			<rect class="net-box" width={w} height={h} rx="4" />
			<Pulse at={news.get(`learned:${machine.name}`)} x={0} y={0} width={w} height={h} />
			<path
				class="net-switch"
				transform={`translate(10 ${top - 7})`}
				d="M0 -3h12M9 -6l3 3 -3 3M14 3.5H2M5 .5l-3 3 3 3"
			/>
			<Label line={title} class="net-title" x={30} y={top - 2.5} size={font.name} />
			<text class="net-note" x={10} y={top + 13.5} font-size={font.small}>
				{learned > 0 && <title>{t.learnedTitle(learned)}</title>}
				{note}
			</text>
		</>
	);
}

function Plug({ x, y }: { x: number; y: number }) {
	return <rect class="net-plug" x={x - 3.25} y={y - 3.25} width="6.5" height="6.5" rx="1" />;
}

function Gone({ x, y }: { x: number; y: number }) {
	return (
		<g class="net-gone" transform={`translate(${x} ${y})`}>
			<circle r="7" />
			<path d="M-3 -3 3 3M-3 3 3 -3" />
		</g>
	);
}

/** A cable between two machines, drawn beneath their cards. */
export function Wire({ wire, news }: { wire: PlacedCable; news: News }) {
	const { cable, path, mid } = wire;
	return (
		<g class="net-cable" data-state={cable.state satisfies CableState} data-cable={cable.key}>
			{news.has(cable.key) && <path key={news.get(cable.key)} class="net-pulse" d={path} />}
			<path class="net-wire" d={path} />
			{cable.state === "missing" && <Gone x={mid.x} y={mid.y} />}
		</g>
	);
}

/** Its two plugs, drawn over the cards. */
export function Plugs({ wire }: { wire: PlacedCable }) {
	return (
		<g class="net-cable" data-state={wire.cable.state}>
			{wire.leads.map((path) => (
				<path key={path} class="net-wire" d={path} />
			))}
			<Plug x={wire.a.x} y={wire.a.y} />
			<Plug x={wire.b.x} y={wire.b.y} />
		</g>
	);
}
