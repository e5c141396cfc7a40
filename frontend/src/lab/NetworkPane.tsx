/** The network as it is now: drawn, or as a table; and its hosts' power buttons. */
import type { Signal } from "@preact/signals";
import { Diagram } from "../diagram/Diagram";
import { catalogue } from "../i18n/catalogue";
import { language, still } from "../state/prefs";
import { Columns, Graph, Power, Stacked, Table } from "../ui/icons";
import { lazy } from "../ui/lazy";
import { Menu } from "../ui/Menu";
import { IconButton } from "../ui/Tools";
import { arrangement, change, layout, narrow } from "./layout";
import { waiting } from "./parts";
import type { LabStore } from "./store";

/** Most look at the drawing only. */
const NetworkTable = lazy(() => import("../diagram/NetworkTable").then((module) => module.NetworkTable));

const text = catalogue(
	{
		title: "Network",
		reboot: "Reboot",
		rebootOf: (host: string) => `Reboot ${host}`,
		rebooting: (host: string) => `${host} is rebooting…`,
		table: "Show as a table",
		diagram: "Show as a diagram",
		columns: "Network beside the terminals",
		stacked: "Network above the terminals",
	},
	{
		title: "네트워크",
		reboot: "다시 시작",
		rebootOf: (host) => `${host} 다시 시작`,
		rebooting: (host) => `${host} 다시 시작하는 중…`,
		table: "표로 보기",
		diagram: "그림으로 보기",
		columns: "네트워크를 터미널 옆에 놓기",
		stacked: "네트워크를 터미널 위에 놓기",
	},
);

interface Props {
	store: LabStore;
	active: Signal<string | undefined>;
	onHost: (host: string) => void;
}

export function NetworkPane({ store, active, onHost }: Props) {
	const t = text();
	const lab = store.lab.value;
	const asTable = layout.value.table;
	const stacked = arrangement.value === "stacked";
	const hosts = store.session.value?.hosts ?? [];
	const props = lab && {
		topology: lab.topology,
		state: store.view.value.network,
		hosts,
		language: language.value,
		active: active.value,
		still: still.value,
		onHost,
	};
	return (
		<>
			<header class="pane-head">
				<h2 class="label" id="diagram-title">
					{t.title}
				</h2>
				<span class="grow" />
				<Menu
					class="quiet"
					testid="hosts"
					disabled={hosts.length === 0}
					label={
						<>
							<Power />
							{t.reboot}
						</>
					}
					items={hosts.map((host) => ({
						key: host.name,
						label: host.state === "rebooting" ? t.rebooting(host.name) : t.rebootOf(host.name),
						disabled: !store.usable.value || host.state === "rebooting",
						onPick: () => void store.reboot(host.name),
					}))}
				/>
				<IconButton
					label={asTable ? t.diagram : t.table}
					testid="network-table"
					onClick={() => change({ table: !asTable })}
				>
					{asTable ? <Graph /> : <Table />}
				</IconButton>
				{!narrow.value && (
					<IconButton
						label={stacked ? t.columns : t.stacked}
						onClick={() => change({ arrangement: stacked ? "columns" : "stacked" })}
					>
						{stacked ? <Columns /> : <Stacked />}
					</IconButton>
				)}
			</header>
			<div class={asTable ? "network as-table" : "network"}>
				{props && (asTable ? <NetworkTable {...props} {...waiting} /> : <Diagram {...props} />)}
			</div>
		</>
	);
}
