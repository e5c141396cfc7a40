/** The network of the session as a drawing that follows the kernel. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DiagramProps } from "../api/panes";
import { HostCard, type News, Plugs, SwitchCard, Wire } from "./Cards";
import type { Card } from "./card";
import { layout, type Picture, type Room } from "./layout";
import { changes, drawn, type Machine, type Network, network, tellingAddresses, type Zone } from "./model";
import { machineWord, stateWord, text, type Words } from "./text";
import { fitted, moveBy, scaleOf, showCard, type View, viewBox, zoomBy } from "./view";
import "./diagram.css";

/** Until the pane has been measured. */
const anyRoom: Room = { width: 720, height: 360 };

/** Of other words than those of a lab's page. */
interface Props extends DiagramProps {
	words?: Words;
}

export function Diagram({ topology, state, hosts, language, words, active, still, onHost }: Props) {
	const t = words ?? text.all[language];
	const pane = useRef<HTMLDivElement>(null);
	const room = useRoom(pane);
	const [view, setView] = useState<View>(fitted);
	const net = useMemo(() => network(topology, state, hosts), [topology, state, hosts]);
	const picture = useMemo(() => layout(net, t, room), [net, t, room]);
	const news = useNews(net, still);
	const drag = useDrag(picture, room, view, setView);
	const seen = viewBox(picture, room, view);

	const keys = (event: KeyboardEvent) => {
		if (event.ctrlKey || event.altKey || event.metaKey) return;
		const far = 60 / scaleOf(picture, room, view);
		const next: View | undefined = {
			"+": zoomBy(view, 1.25, picture),
			"=": zoomBy(view, 1.25, picture),
			"-": zoomBy(view, 0.8, picture),
			"0": fitted,
			ArrowLeft: moveBy(view, -far, 0, picture),
			ArrowRight: moveBy(view, far, 0, picture),
			ArrowUp: moveBy(view, 0, -far, picture),
			ArrowDown: moveBy(view, 0, far, picture),
		}[event.key];
		if (!next) return;
		event.preventDefault();
		setView(next);
	};

	return (
		// biome-ignore lint/a11y/noStaticElementInteractions: the keys work for whatever within has the focus
		<div ref={pane} class="net-diagram" data-still={still ? "" : undefined} onKeyDown={keys}>
			{/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be drawn */}
			<svg
				class="net-picture"
				role="group"
				aria-label={summary(net, t)}
				viewBox={[seen.x, seen.y, seen.w, seen.h].map((n) => n.toFixed(1)).join(" ")}
				data-moved={view === fitted ? undefined : ""}
				{...drag}
			>
				<g>
					{picture.cables.map((wire) => (
						<Wire key={wire.cable.key} wire={wire} news={news} />
					))}
				</g>
				{picture.cards.map((card) =>
					card.machine.kind === "host" ? (
						<Host
							key={card.machine.name}
							card={card}
							active={card.machine.name === active}
							news={news}
							t={t}
							onOpen={() => onHost(card.machine.name)}
							onFocus={() => setView((now) => showCard(now, card, picture, room))}
						/>
					) : (
						// biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: nothing can be done with it
						<g
							key={card.machine.name}
							class="net-card net-card-switch"
							data-state={card.machine.state}
							role="img"
							aria-label={[card.machine.name, t.switch, card.note === t.switch ? "" : card.note]
								.filter(Boolean)
								.join(", ")}
							transform={`translate(${card.x} ${card.y})`}
						>
							<SwitchCard card={card} news={news} t={t} />
						</g>
					),
				)}
				<g>
					{picture.cables.map((wire) => (
						<Plugs key={wire.cable.key} wire={wire} />
					))}
				</g>
			</svg>
			{/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields */}
			<div class="net-zoom" role="group" aria-label={t.zoom} title={t.keys}>
				<ZoomButton label={t.zoomOut} path="M4 8h8" onClick={() => setView(zoomBy(view, 0.8, picture))} />
				<ZoomButton
					label={t.fit}
					path="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10"
					onClick={() => setView(fitted)}
				/>
				<ZoomButton label={t.zoomIn} path="M4 8h8M8 4v8" onClick={() => setView(zoomBy(view, 1.25, picture))} />
			</div>
		</div>
	);
}

function ZoomButton({ label, path, onClick }: { label: string; path: string; onClick: () => void }) {
	return (
		<button type="button" aria-label={label} title={label} onClick={onClick}>
			<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
				<path d={path} />
			</svg>
		</button>
	);
}

interface HostProps {
	card: Card;
	active: boolean;
	news: News;
	t: Words;
	onOpen: () => void;
	onFocus: () => void;
}

function Host({ card, active, news, t, onOpen, onFocus }: HostProps) {
	const { machine } = card;
	return (
		// biome-ignore lint/a11y/useSemanticElements: there is no button within a drawing
		<g
			class="net-card net-card-host"
			data-host={machine.name}
			data-state={machine.state}
			data-active={active ? "" : undefined}
			role="button"
			// Of an SVG element, the attribute must be in small letters.
			tabindex={0}
			aria-current={active ? "true" : undefined}
			aria-label={inWords(machine, t)}
			transform={`translate(${card.x} ${card.y})`}
			onClick={onOpen}
			onFocus={(event) => {
				// Not for a press, which would then pull the drawing away from under the pointer.
				if (event.currentTarget.matches(":focus-visible")) onFocus();
			}}
			onKeyDown={(event) => {
				if (event.key !== "Enter" && event.key !== " ") return;
				event.preventDefault();
				onOpen();
			}}
		>
			<HostCard card={card} active={active} news={news} t={t} />
		</g>
	);
}

/** The drawing in a sentence. */
function summary(net: Network, t: Words): string {
	const hosts = net.machines.filter((m) => m.kind === "host").length;
	const on = net.cables.filter((cable) => cable.state === "on").length;
	return t.picture(hosts, net.machines.length - hosts, net.cables.length, on);
}

/** A host in words: what its card shows. */
function inWords(machine: Machine, t: Words): string {
	const zone = (z: Zone) =>
		drawn(z)
			.flatMap((item) => [item.device, ...item.members])
			.map((d) => [d.spot.dev, stateWord(t, d), ...tellingAddresses(d)].join(" "))
			.join(", ");
	const parts = [
		t.open(machine.name),
		[machine.label, machineWord(t, machine.state), machine.own.forwarding ? t.forwards : ""].filter(Boolean).join(", "),
		zone(machine.own),
		...machine.named.map((z) => `${t.inside(z.label)} ${zone(z) || t.noDevices}`),
	];
	return parts
		.filter(Boolean)
		.map((part) => (/[.]$/.test(part) ? part : `${part}.`))
		.join(" ");
}

/** The pane's size, followed. */
function useRoom(pane: { current: HTMLDivElement | null }): Room {
	const [room, setRoom] = useState(anyRoom);
	useLayoutEffect(() => {
		const element = pane.current;
		if (!element) return;
		const measure = () => {
			const { clientWidth: width, clientHeight: height } = element;
			// A folded pane has no size; the drawing keeps its last.
			if (width > 0 && height > 0)
				setRoom((old) => (old.width === width && old.height === height ? old : { width, height }));
		};
		measure();
		const observer = new ResizeObserver(measure);
		observer.observe(element);
		return () => observer.disconnect();
	}, [pane]);
	return room;
}

/** What has changed since the drawing stands here, each with a number that is new when it changes. */
function useNews(net: Network, still: boolean): News {
	const last = useRef<{ net: Network; news: News; n: number }>({ net, news: new Map(), n: 0 });
	const { current } = last;
	if (current.net !== net) {
		const keys = changes(current.net, net);
		const news = new Map(current.news);
		for (const key of keys) news.set(key, current.n + 1);
		last.current = { net, news: keys.size > 0 ? news : current.news, n: current.n + 1 };
	}
	return still ? none : last.current.news;
}
const none: News = new Map();

/** Moves the drawing with the pointer; a press that does not move stays a click. */
function useDrag(picture: Picture, room: Room, view: View, setView: (view: View) => void) {
	const from = useRef<{ x: number; y: number; view: View } | null>(null);
	return {
		onPointerDown: (event: PointerEvent) => {
			if (event.button === 0) from.current = { x: event.clientX, y: event.clientY, view };
		},
		onPointerMove: (event: PointerEvent) => {
			const start = from.current;
			if (!start) return;
			const svg = event.currentTarget as SVGSVGElement;
			const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
			if (!svg.hasPointerCapture(event.pointerId)) {
				if (Math.hypot(dx, dy) < 5) return;
				// From here on the click is the drawing's, not a host's.
				svg.setPointerCapture(event.pointerId);
			}
			const scale = scaleOf(picture, room, view);
			setView(moveBy(start.view, -dx / scale, -dy / scale, picture));
		},
		onPointerUp: () => {
			from.current = null;
		},
		onPointerCancel: () => {
			from.current = null;
		},
		onPointerLeave: (event: PointerEvent) => {
			if (!(event.currentTarget as SVGSVGElement).hasPointerCapture(event.pointerId)) from.current = null;
		},
	};
}
