/** The network of the session as tables: what the diagram draws, and more. */
import { useMemo } from "preact/hooks";
import type { DiagramProps } from "../api/panes";
import type { NetworkRoute } from "../api/types";
import { type Device, isLoopback, type Machine, network, type Spot, type Zone } from "./model";
import { machineWord, stateWord, text, type Words } from "./text";
import "./diagram.css";

export function NetworkTable({ topology, state, hosts, language, active, onHost }: DiagramProps) {
	const t = text.all[language];
	const { machines } = useMemo(() => network(topology, state, hosts), [topology, state, hosts]);
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
		<section class="net-tables" aria-label={t.table} tabIndex={0}>
			{machines.map((machine) => (
				<MachineTables
					key={machine.name}
					machine={machine}
					active={machine.name === active}
					t={t}
					onOpen={() => onHost(machine.name)}
				/>
			))}
		</section>
	);
}

function MachineTables({
	machine,
	active,
	t,
	onOpen,
}: {
	machine: Machine;
	active: boolean;
	t: Words;
	onOpen: () => void;
}) {
	const words = [
		machine.label || (machine.kind === "switch" ? t.switch : t.host),
		machineWord(t, machine.state),
		machine.own.forwarding ? t.forwards : "",
	].filter(Boolean);
	return (
		<section class="net-machine" data-active={active ? "" : undefined} aria-label={machine.name}>
			<h3>
				{machine.kind === "host" ? (
					<button type="button" title={t.open(machine.name)} onClick={onOpen}>
						{machine.name}
					</button>
				) : (
					machine.name
				)}
				<small>{words.join(" · ")}</small>
			</h3>
			{machine.state === "waiting" && machine.own.devices.length === 0 ? (
				<p class="net-nothing">{t.soon}</p>
			) : machine.kind === "switch" ? (
				<Ports machine={machine} t={t} />
			) : (
				[machine.own, ...machine.named].map((zone) => (
					<ZoneTables key={zone.key} zone={zone} known={machine.state !== "waiting"} t={t} />
				))
			)}
		</section>
	);
}

function ZoneTables({ zone, known, t }: { zone: Zone; known: boolean; t: Words }) {
	const name = zone.ns ? `${zone.node}/${zone.label}` : zone.node;
	return (
		<div class="net-zone" data-namespace={zone.ns || undefined}>
			{zone.ns && (
				<h4>
					{zone.label}
					<small>{[t.namespace, zone.forwarding ? t.forwards : ""].filter(Boolean).join(" · ")}</small>
				</h4>
			)}
			<Sheet
				caption={t.ofHost(name, t.devices)}
				title={t.devices}
				empty={t.noDevices}
				head={[t.name, t.state, t.addresses, t.mac, t.mtu, t.master, t.peer]}
				rows={zone.devices.map((d) => [
					deviceName(d, t),
					stateCell(d, t),
					d.addresses.join("\n"),
					d.mac,
					d.mtu > 0 ? String(d.mtu) : "",
					d.master,
					d.peer ? place(d.peer) : "",
				])}
				keys={zone.devices.map((d) => d.key)}
			/>
			<Sheet
				caption={t.ofHost(name, t.routes)}
				title={t.routes}
				empty={known ? t.noRoutes : ""}
				head={[t.to, t.via, t.device, t.source, t.metric, t.origin]}
				rows={zone.routes.map((r) => [
					destination(r, t),
					r.via ?? "",
					r.dev ?? "",
					r.source ?? "",
					r.metric ? String(r.metric) : "",
					r.kernel ? t.kernel : "",
				])}
				keys={zone.routes.map((r) => [r.type, r.to, r.via, r.dev, r.metric].join(" "))}
			/>
			<Sheet
				caption={t.ofHost(name, t.neighbours)}
				title={t.neighbours}
				empty={known ? t.noNeighbours : ""}
				head={[t.ip, t.mac, t.device, t.state]}
				rows={zone.neighbours.map((n) => [n.ip, n.mac ?? "", n.dev, n.state.toUpperCase()])}
				keys={zone.neighbours.map((n) => `${n.ip} ${n.dev}`)}
			/>
		</div>
	);
}

function Ports({ machine, t }: { machine: Machine; t: Words }) {
	const devices = machine.own.devices.filter((d) => !isLoopback(d));
	return (
		<Sheet
			caption={t.ofHost(machine.name, t.ports)}
			title={t.ports}
			empty={t.noDevices}
			head={[t.name, t.state, t.peer, t.learnedColumn, t.mac, t.mtu, t.master]}
			rows={devices.map((d) => [
				deviceName(d, t),
				stateCell(d, t),
				d.peer ? place(d.peer) : "",
				d.learned.join("\n"),
				d.mac,
				d.mtu > 0 ? String(d.mtu) : "",
				d.master,
			])}
			keys={devices.map((d) => d.key)}
		/>
	);
}

interface SheetProps {
	/** For those who jump from table to table. */
	caption: string;
	title: string;
	/** What to say where there is nothing; nothing, while nobody knows. */
	empty: string;
	head: string[];
	/** The first cell of each heads its row. */
	rows: preact.ComponentChild[][];
	keys: string[];
}

/** A table without the columns in which nothing stands. */
function Sheet({ caption, title, empty, head, rows, keys }: SheetProps) {
	if (rows.length === 0) return empty ? <p class="net-nothing">{empty}</p> : null;
	const columns = head.map((_, i) => i).filter((i) => i === 0 || rows.some((row) => row[i] !== ""));
	return (
		<div class="net-scroll">
			<table aria-label={caption}>
				<caption>{title}</caption>
				<thead>
					<tr>
						{columns.map((i) => (
							<th key={i} scope="col">
								{head[i]}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{rows.map((row, r) => (
						<tr key={`${keys[r]} ${keys.indexOf(keys[r] as string) === r ? "" : r}`}>
							{columns.map((i) =>
								i === 0 ? (
									<th key={i} scope="row">
										{row[i]}
									</th>
								) : (
									<td key={i}>{row[i]}</td>
								),
							)}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

function deviceName(d: Device, t: Words): string {
	const type = ["", "device", "veth", "loopback"].includes(d.type) ? "" : ` (${d.type})`;
	return `${d.spot.dev}${type}${d.was ? ` (${t.was(d.was)})` : ""}`;
}

function stateCell(d: Device, t: Words) {
	return (
		<span class="net-state" data-state={d.state}>
			{stateWord(t, d)}
		</span>
	);
}

const place = (spot: Spot): string => [spot.node, spot.ns, spot.dev].filter(Boolean).join("/");

function destination(r: NetworkRoute, t: Words): string {
	const to = r.to === "0.0.0.0/0" || r.to === "::/0" ? `${t.defaultRoute} (${r.to})` : r.to;
	return r.type ? `${r.type} ${to}` : to;
}
