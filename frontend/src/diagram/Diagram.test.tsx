import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DiagramProps } from "../api/panes";
import { Diagram } from "./Diagram";
import { NetworkTable } from "./NetworkTable";
import * as sample from "./samples";

let root: HTMLElement;
beforeEach(() => {
	root = document.body.appendChild(document.createElement("div"));
});
afterEach(() => {
	render(null, root);
	root.remove();
});

const hosts = [
	{ name: "A", state: "up" as const },
	{ name: "B", state: "up" as const },
];
const props = (more: Partial<DiagramProps> = {}): DiagramProps => ({
	topology: sample.switching,
	state: null,
	hosts,
	language: "en",
	still: false,
	onHost: () => {},
	...more,
});
const draw = (more: Partial<DiagramProps> = {}) => act(() => render(<Diagram {...props(more)} />, root));
const table = (more: Partial<DiagramProps> = {}) => act(() => render(<NetworkTable {...props(more)} />, root));
const host = (name: string) => root.querySelector(`[data-host="${name}"]`) as SVGGElement;
const press = (target: Element, key: string) =>
	act(() => void target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })));
const seen = () => root.querySelector(".net-picture")?.getAttribute("viewBox");

describe("Diagram", () => {
	test("draws the topology before anything is known", () => {
		draw();
		expect(root.querySelectorAll(".net-card-host")).toHaveLength(2);
		expect(root.querySelectorAll(".net-card-switch")).toHaveLength(1);
		expect(root.querySelectorAll('.net-cable[data-state="unknown"] .net-wire')).toHaveLength(2);
	});

	test("says in words what it draws", () => {
		draw({ state: sample.switchingHalf() });
		expect(root.querySelector(".net-picture")?.getAttribute("aria-label")).toBe(
			"Diagram of the network: 2 hosts, 1 switch; 1 of 2 cables connected.",
		);
		expect(host("A").getAttribute("aria-label")).toBe("A: open the terminal. eth0 connected 192.168.1.10/24.");
		expect(host("B").getAttribute("aria-label")).toBe("B: open the terminal. eth0 down.");
		draw({ state: sample.switchingHalf(), language: "ko" });
		expect(host("B").getAttribute("aria-label")).toBe("B: 터미널을 엽니다. eth0 꺼짐.");
	});

	test("opens a host's terminal by click, Enter and space", () => {
		const onHost = vi.fn();
		draw({ onHost });
		act(() => void host("A").dispatchEvent(new MouseEvent("click", { bubbles: true })));
		press(host("B"), "Enter");
		press(host("B"), " ");
		expect(onHost.mock.calls).toEqual([["A"], ["B"], ["B"]]);
		expect(host("A").getAttribute("tabindex")).toBe("0");
	});

	test("marks the host in front, and one that restarts", () => {
		draw({ state: sample.switchingHalf(), active: "B", hosts: [{ name: "A", state: "rebooting" }] });
		expect(host("B").getAttribute("aria-current")).toBe("true");
		expect(host("A").hasAttribute("aria-current")).toBe(false);
		expect(host("A").dataset.state).toBe("rebooting");
		expect(host("A").textContent).toContain("restarting");
	});

	test("lights up what has changed, unless nothing may move", () => {
		draw({ state: sample.switchingHalf() });
		expect(root.querySelectorAll(".net-pulse")).toHaveLength(0);
		const next = sample.switchingHalf();
		for (const link of next.nodes.A?.namespace?.links ?? []) if (link.name === "eth0") link.addresses = ["10.0.0.1/8"];
		draw({ state: next });
		expect(root.querySelectorAll('[data-device="A//eth0"] .net-pulse')).toHaveLength(1);
		expect(root.querySelectorAll(".net-pulse")).toHaveLength(1);
		draw({ state: next, still: true });
		expect(root.querySelectorAll(".net-pulse")).toHaveLength(0);
	});

	test("zooms by keys and buttons, and fits again", () => {
		draw();
		const fitted = seen();
		press(host("A"), "+");
		expect(seen()).not.toBe(fitted);
		press(host("A"), "0");
		expect(seen()).toBe(fitted);
		const [out, fit] = root.querySelectorAll<HTMLButtonElement>(".net-zoom button");
		act(() => out?.click());
		expect(seen()).not.toBe(fitted);
		act(() => fit?.click());
		expect(seen()).toBe(fitted);
	});

	test("draws namespaces, a bridge with ports, and the cables between them", () => {
		draw({ topology: sample.namespaces, state: sample.namespacesBridge() });
		expect(root.querySelectorAll('.net-frame[data-kind="namespace"]')).toHaveLength(3);
		expect(root.querySelectorAll('.net-frame[data-kind="bridge"]')).toHaveLength(1);
		expect(root.querySelectorAll('.net-card-host .net-cable[data-state="on"]')).toHaveLength(3);
		expect(host("node").querySelectorAll(".net-router")).toHaveLength(1);
		expect(host("node").getAttribute("aria-label")).toContain("Namespace red: eth0 connected 10.0.0.1/24.");
	});

	test("shows what is gone", () => {
		draw({ topology: sample.namespaces, state: sample.namespacesDeleted() });
		expect(root.querySelectorAll(".net-gone")).toHaveLength(1);
		expect(root.querySelectorAll('.net-device[data-state="missing"]')).toHaveLength(2);
	});

	test("puts names in as text", () => {
		const state = sample.namespacesDeleted();
		if (state.nodes.node) state.nodes.node.named = { "<img src=x>": sample.namespace([]) };
		draw({ topology: sample.namespaces, state });
		expect(root.querySelector("img")).toBeNull();
		expect(root.textContent).toContain("<img src=x>");
	});
});

describe("NetworkTable", () => {
	const cells = (caption: string) =>
		[...root.querySelectorAll("table")]
			.filter((t) => t.getAttribute("aria-label") === caption)
			.flatMap((t) => [...t.querySelectorAll("tbody tr")].map((r) => [...r.children].map((c) => c.textContent)));

	test("lists devices, routes and neighbours of a host", () => {
		table({ topology: sample.routing, state: sample.routingReady() });
		expect(cells("Devices of A")[1]?.slice(0, 3)).toEqual(["eth0", "connected", "192.168.1.10/24"]);
		expect(cells("Routes of A")).toEqual([
			["192.168.1.0/24", "", "eth0", "192.168.1.10", "kernel"],
			["192.168.2.0/24", "192.168.1.1", "eth0", "", ""],
		]);
		expect(cells("Neighbours of A")).toEqual([["192.168.1.1", "02:5a:10:00:00:01", "eth0", "REACHABLE"]]);
	});

	test("lists what a switch has learned, and says so in Korean", () => {
		table({ state: sample.switchingHalf(), language: "ko" });
		expect(cells("sw의 포트").find((row) => row[0] === "A-eth0")).toContain("02:5a:10:00:00:0a");
		expect(cells("B의 장치")[1]?.slice(0, 2)).toEqual(["eth0", "꺼짐"]);
		expect(root.textContent).toContain("경로가 없습니다.");
	});

	test("lists namespaces on their own, before and after the first state", () => {
		table({ topology: sample.namespaces });
		expect(cells("Devices of node")).toEqual([["eth0", "not known yet"]]);
		expect(root.textContent).not.toContain("No routes.");
		table({ topology: sample.namespaces, state: sample.namespacesCable(true) });
		expect(cells("Devices of node/red")[1]).toContain("node/blue/veth-blue");
	});

	test("opens a host's terminal", () => {
		const onHost = vi.fn();
		table({ onHost });
		act(() => root.querySelector<HTMLButtonElement>("h3 button")?.click());
		expect(onHost).toHaveBeenCalledWith("A");
	});
});
