import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TerminalPaneProps } from "../api/panes";
import type { Terminal } from "../api/types";
import { setLanguage } from "../state/prefs";
import { FakeServer } from "./fake";
import type { ScreenEvents } from "./screen";
import { focusTerminal, runIn, showHost, TerminalPane } from "./TerminalPane";

/** xterm needs a browser that measures letters. */
class FakeScreen {
	static all: FakeScreen[] = [];
	printed = "";
	hasFocus = false;
	atPrompt = true;
	fullScreen = false;
	selection = "";
	input = true;
	followed: [number, number] | null = null;
	events: ScreenEvents;
	cols: number;
	rows: number;
	constructor(events: ScreenEvents, cols: number, rows: number) {
		this.events = events;
		this.cols = cols;
		this.rows = rows;
		FakeScreen.all.push(this);
	}
	attach() {}
	write(data: Uint8Array, parsed: () => void) {
		this.printed += new TextDecoder().decode(data);
		parsed();
	}
	clear() {
		this.printed = "";
	}
	focus() {
		for (const screen of FakeScreen.all) screen.hasFocus = screen === this;
	}
	paste() {}
	follow(cols: number, rows: number) {
		this.followed = [cols, rows];
	}
	lead() {
		this.followed = null;
	}
	setStyle() {}
	setLabel() {}
	setInput(on: boolean) {
		this.input = on;
	}
	dispose() {}
}

vi.mock("./screen", () => ({
	Screen: class {
		constructor(events: ScreenEvents, cols: number, rows: number) {
			// biome-ignore lint/correctness/noConstructorReturn: stands in for the class
			return new FakeScreen(events, cols, rows);
		}
	},
}));

/** One server for each terminal, by id. */
let servers: Map<string, FakeServer>;
let requests: Array<{ method: string; url: string; body: unknown }>;
let answer: (host: string) => { status: number; body: unknown };
let root: HTMLElement;
let props: TerminalPaneProps;
let session = 0;

const terminal = (id: string, host: string, more: Partial<Terminal> = {}): Terminal => ({
	id,
	host,
	cols: 80,
	rows: 24,
	exited: false,
	exitCode: 0,
	...more,
});

const server = (id: string): FakeServer => servers.get(id) as FakeServer;
const tabs = () => [...root.querySelectorAll<HTMLElement>("[role=tab]")];
const names = () => tabs().map((tab) => tab.textContent);
const tab = (name: string) => tabs().find((t) => t.textContent === name) as HTMLElement;
const selected = () => root.querySelector("[role=tab][aria-selected=true]")?.textContent;
const panel = () => root.querySelector<HTMLElement>("[role=tabpanel]:not([hidden])") as HTMLElement;
const button = (name: string) =>
	[...root.querySelectorAll<HTMLElement>("button")].find(
		(b) => b.textContent === name || b.getAttribute("aria-label") === name,
	) as HTMLElement;

async function settle(): Promise<void> {
	for (let i = 0; i < 8; i++) await act(() => new Promise((resolve) => setTimeout(resolve)));
}

async function show(more: Partial<TerminalPaneProps> = {}): Promise<void> {
	props = { ...props, ...more };
	await act(() => render(<TerminalPane {...props} />, root));
	await settle();
}

/** All connections that wait come about. */
async function accept(): Promise<void> {
	for (const s of servers.values())
		for (const socket of s.sockets) if (!socket.accepted && !socket.closed) s.accept(socket);
	await settle();
}

beforeEach(() => {
	setLanguage("en");
	sessionStorage.clear();
	FakeScreen.all = [];
	servers = new Map();
	requests = [];
	let opened = 0;
	answer = (host) => ({ status: 201, body: terminal(`new${++opened}`, host) });
	vi.stubGlobal(
		"WebSocket",
		class {
			constructor(url: string, protocol: string) {
				const id = new URL(url).pathname.split("/").at(-2) as string;
				let one = servers.get(id);
				if (!one) {
					one = new FakeServer();
					servers.set(id, one);
				}
				// biome-ignore lint/correctness/noConstructorReturn: stands in for the class
				return new one.socket(url, protocol) as unknown as never;
			}
		},
	);
	vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
		const body = init.body ? JSON.parse(String(init.body)) : undefined;
		requests.push({ method: init.method ?? "", url, body });
		const { status, body: said } = init.method === "POST" ? answer(body.host) : { status: 204, body: null };
		return new Response(said === null ? null : JSON.stringify(said), { status });
	});
	root = document.createElement("div");
	document.body.append(root);
	props = {
		sessionId: `s${++session}`,
		hosts: [
			{ name: "A", state: "up" },
			{ name: "B", state: "up" },
		],
		terminals: [terminal("t1", "A")],
		sessionState: "ready",
		theme: "light",
		language: "en",
	};
});

afterEach(async () => {
	await act(() => render(null, root));
	root.remove();
	vi.unstubAllGlobals();
});

describe("tabs", () => {
	it("are one for each shell in the order of the hosts, and one for a host without", async () => {
		await show({ terminals: [terminal("t2", "B"), terminal("t1", "A"), terminal("t3", "A")] });
		expect(root.querySelectorAll("[role=tablist]")).toHaveLength(1);
		expect(names()).toEqual(["A", "A 2", "B"]);
		expect(selected()).toBe("A");
		expect(tabs().map((t) => t.tabIndex)).toEqual([0, -1, -1]);
		expect(panel().getAttribute("aria-labelledby")).toBe(tab("A").id);
		expect(tab("A").getAttribute("aria-controls")).toBe(panel().id);
		await show({ terminals: [terminal("t2", "B")] });
		expect(names()).toEqual(["A", "B"]);
		expect(selected()).toBe("A");
		expect(panel().textContent).toContain("No shell is open on A.");
	});

	it("connect when they are first shown", async () => {
		await show({ terminals: [terminal("t1", "A"), terminal("t2", "B")] });
		expect([...servers.keys()]).toEqual(["t1"]);
		await act(() => tab("B").click());
		await settle();
		expect([...servers.keys()]).toEqual(["t1", "t2"]);
		expect(FakeScreen.all[1]?.hasFocus).toBe(true);
	});

	it("tell the host in front", async () => {
		const hosts: string[] = [];
		await show({ onActive: (host) => hosts.push(host) });
		await act(() => tab("B").click());
		await settle();
		expect(hosts).toEqual(["A", "B"]);
	});

	it("move by arrows without opening a shell", async () => {
		await show();
		const press = (key: string) =>
			act(() => {
				document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
			});
		tab("A").focus();
		await press("ArrowRight");
		expect(selected()).toBe("B");
		expect(document.activeElement).toBe(tab("B"));
		await press("ArrowRight");
		expect(selected()).toBe("A");
		await press("End");
		expect(selected()).toBe("B");
		expect(requests).toEqual([]);
	});

	it("stay in front over a reload", async () => {
		await show({ terminals: [terminal("t1", "A"), terminal("t2", "B")] });
		await act(() => tab("B").click());
		await act(() => render(null, root));
		await show();
		expect(selected()).toBe("B");
	});

	it("speak Korean", async () => {
		setLanguage("ko");
		await show({ terminals: [] });
		expect(panel().textContent).toContain("A에 열린 셸이 없습니다.");
	});
});

describe("a shell", () => {
	it("is opened where a host without one is entered", async () => {
		await show();
		await act(() => tab("B").click());
		await settle();
		expect(requests).toEqual([
			{
				method: "POST",
				url: `/api/sessions/${props.sessionId}/terminals?lang=en`,
				body: { host: "B", cols: 80, rows: 24 },
			},
		]);
		expect(selected()).toBe("B");
		expect(server("new1").last.url.pathname).toBe(`/api/sessions/${props.sessionId}/terminals/new1/ws`);
		// The server's list catches up, and nothing is there twice.
		await show({ terminals: [...props.terminals, terminal("new1", "B")] });
		expect(names()).toEqual(["A", "B"]);
	});

	it("says why it could not be opened", async () => {
		answer = () => ({ status: 409, body: { title: "Quota", status: 409, detail: "There are 16 terminals open." } });
		await show();
		await act(() => tab("B").click());
		await settle();
		expect(panel().textContent).toContain("A shell on B could not be opened. There are 16 terminals open.");
		expect(button("Open a shell on B")).toBeTruthy();
	});

	it("gets a second one beside it, and is closed", async () => {
		await show();
		await accept();
		await act(() => button("Another shell on A").click());
		await settle();
		expect(names()).toEqual(["A", "A 2", "B"]);
		expect(selected()).toBe("A 2");
		await act(() => button("Close the shell A 2").click());
		await settle();
		expect(names()).toEqual(["A", "B"]);
		expect(requests.at(-1)).toMatchObject({
			method: "DELETE",
			url: `/api/sessions/${props.sessionId}/terminals/new1?lang=en`,
		});
		// The server's list may still have it for a moment.
		await show({ terminals: [...props.terminals, terminal("new1", "A", { exited: true })] });
		expect(names()).toEqual(["A", "B"]);
	});

	it("takes what is typed, and prints", async () => {
		await show();
		await accept();
		server("t1").print("root@A:~# ");
		FakeScreen.all[0]?.events.data("한글");
		expect(FakeScreen.all[0]?.printed).toBe("root@A:~# ");
		expect(server("t1").typed).toHaveLength(6);
	});

	it("does not answer questions of old output, but those of new", async () => {
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true, advanceTimeDelta: 1 });
		try {
			await show();
			await accept();
			server("t1").print("old \x1b[c");
			FakeScreen.all[0]?.events.data("\x1b[?1;2c");
			FakeScreen.all[0]?.events.data("\x1b[A");
			expect(server("t1").typed).toBe("\x1b[A");
			vi.advanceTimersByTime(500);
			FakeScreen.all[0]?.events.data("\x1b[?1;2c");
			expect(server("t1").typed).toBe("\x1b[A\x1b[?1;2c");
		} finally {
			vi.useRealTimers();
		}
	});

	it("that has ended offers a new one in its place", async () => {
		await show();
		await accept();
		server("t1").last.bring(Uint8Array.of(0x84, 0, 0, 0, 3));
		await settle();
		expect(panel().textContent).toContain("The shell has ended with exit status 3.");
		await act(() => FakeScreen.all[0]?.events.data("\r"));
		await settle();
		expect(names()).toEqual(["A", "B"]);
		expect([...servers.keys()]).toEqual(["t1", "new1"]);
		expect(requests.map((r) => r.method)).toEqual(["POST", "DELETE"]);
	});

	it("comes back by itself after its host's reboot", async () => {
		await show();
		await accept();
		await show({ hosts: [{ name: "A", state: "rebooting" }, props.hosts[1] as never] });
		server("t1").last.bring(Uint8Array.of(0x84, 0, 0, 0, 129));
		await settle();
		expect(panel().textContent).toContain("A is rebooting.");
		expect(requests).toEqual([]);
		await show({ hosts: [{ name: "A", state: "up" }, props.hosts[1] as never] });
		await settle();
		expect(requests.map((r) => r.method)).toEqual(["POST", "DELETE"]);
		expect(names()).toEqual(["A", "B"]);
	});

	it("comes back by itself after a reboot that was over before anything was drawn", async () => {
		await show();
		await accept();
		server("t1").last.bring(Uint8Array.of(0x84, 0, 0, 0, 129));
		await settle();
		expect(panel().textContent).toContain("The shell has ended");
		await show({ hosts: [{ name: "A", state: "up", outages: 1 }, props.hosts[1] as never] });
		await settle();
		expect(requests.map((r) => r.method)).toEqual(["POST", "DELETE"]);
		expect(names()).toEqual(["A", "B"]);
	});

	it("says that its connection is lost, and that another window types", async () => {
		await show();
		expect(panel().textContent).toContain("Connecting");
		await accept();
		expect(panel().textContent).toBe("");
		server("t1").last.drop();
		await settle();
		expect(panel().textContent).toContain("The connection is lost.");
		await act(() => button("Try now").click());
		server("t1").keyboard = { viewer: "other", bring: () => {} } as never;
		await accept();
		expect(panel().textContent).toContain("Another window has the keyboard.");
		await show({ guest: "Kim" });
		expect(panel().textContent).toContain("Kim has the keyboard of this terminal.");
		await act(() => button("Take the keyboard").click());
		await settle();
		expect(panel().textContent).toBe("");
		expect(FakeScreen.all[0]?.followed).toBeNull();
	});

	it("goes away when the server has no such terminal", async () => {
		await show();
		server("t1").refuse = 4004;
		await accept();
		expect(panel().textContent).toContain("No shell is open on A.");
	});

	it("can be read but not used once the session has ended", async () => {
		await show();
		await accept();
		server("t1").last.drop(4001);
		await show({ sessionState: "ended" });
		expect(panel().textContent).toContain("The session has ended.");
		expect(FakeScreen.all[0]?.input).toBe(false);
		expect(button("Another shell on A").hasAttribute("disabled")).toBe(true);
		await expect(runIn("A", "ls")).rejects.toThrow("The session has ended.");
	});
});

describe("a command of the lesson", () => {
	it("is typed at the prompt of the host's shell", async () => {
		await show({ terminals: [terminal("t1", "A"), terminal("t2", "B")] });
		await accept();
		const run = runIn("B", "ip link show");
		await settle();
		await accept();
		await run;
		expect(selected()).toBe("B");
		expect(server("t2").typed).toBe("\x05\x15ip link show\r");
		expect(FakeScreen.all.some((screen) => screen.hasFocus)).toBe(false);
	});

	it("of several lines is one paste", async () => {
		await show();
		await accept();
		await runIn("A", "cat <<E\nx\nE\n");
		expect(server("t1").typed).toBe("\x05\x15\x1b[200~cat <<E\rx\rE\x1b[201~\r");
	});

	it("opens a shell if there is none", async () => {
		await show();
		const run = runIn("B", "ls");
		await settle();
		await accept();
		await run;
		expect(server("new1").typed).toBe("\x05\x15ls\r");
	});

	it("is typed as it is into a program that reads lines, and not into one that fills the screen", async () => {
		await show();
		await accept();
		const screen = FakeScreen.all[0] as FakeScreen;
		screen.atPrompt = false;
		await runIn("A", "hello");
		expect(server("t1").typed).toBe("hello\r");
		screen.fullScreen = true;
		await expect(runIn("A", "hello")).rejects.toThrow("fills the screen");
		expect(server("t1").typed).toBe("hello\r");
	});

	it("takes the keyboard", async () => {
		await show();
		server("t1").keyboard = { viewer: "other", bring: () => {} } as never;
		await accept();
		await runIn("A", "ls");
		expect(server("t1").typed).toBe("\x05\x15ls\r");
	});

	it("is refused with a sentence where it cannot be typed", async () => {
		await show({ hosts: [{ name: "A", state: "rebooting" }, props.hosts[1] as never] });
		await expect(runIn("A", "ls")).rejects.toThrow("A is rebooting.");
		await expect(runIn("Z", "ls")).rejects.toThrow("There is no host Z");
	});
});

describe("from elsewhere on the page", () => {
	it("a host is shown, and the focus put into its terminal", async () => {
		await show({ terminals: [terminal("t1", "A"), terminal("t2", "B")] });
		await act(() => showHost("B"));
		await settle();
		expect(selected()).toBe("B");
		expect(FakeScreen.all[1]?.hasFocus).toBe(true);
		await act(() => tab("A").click());
		for (const screen of FakeScreen.all) screen.hasFocus = false;
		focusTerminal();
		expect(FakeScreen.all[0]?.hasFocus).toBe(true);
	});
});

describe("the settings", () => {
	it("change the letters and the screen reader mode, and say the keys", async () => {
		await show();
		await act(() => button("Settings of the terminals").click());
		expect(root.querySelector("output")?.textContent).toBe("14 px");
		await act(() => button("Larger text").click());
		expect(root.querySelector("output")?.textContent).toBe("15 px");
		await act(() => button("Screen reader mode").click());
		expect(button("Screen reader mode").getAttribute("aria-pressed")).toBe("true");
		expect(JSON.parse(localStorage.getItem("netground.terminal") ?? "")).toEqual({ size: 15, reader: true });
		expect(root.textContent).toContain("F6 leaves the terminal");
		await act(() => button("Smaller text").click());
		await act(() => button("Screen reader mode").click());
	});
});

describe("terminals that are somebody else's", () => {
	const watched = {
		url: (id: string) => new URL(`ws://localhost/watch/${id}/ws`),
		status: (take: () => void) => (
			<button type="button" onClick={take}>
				May I?
			</button>
		),
	};

	it("are read at their own address, and change nothing there", async () => {
		await show({ watched });
		server("t1").keyboard = { viewer: "theirs", bring: () => {} } as never;
		await accept();
		expect(server("t1").last.url.pathname).toBe("/watch/t1/ws");
		expect(FakeScreen.all[0]?.input).toBe(false);
		for (const name of ["Another shell on A", "Close the shell A"]) expect(button(name)).toBeUndefined();
		await act(() => tab("B").click());
		await settle();
		expect(panel().textContent).toContain("No shell is open on B.");
		await expect(showHost("B")).rejects.toThrow("No shell is open on B.");
		expect(requests).toEqual([]);
	});

	it("are typed into once the keyboard is asked for; what is typed waits for the answer", async () => {
		await show({ watched });
		server("t1").keyboard = { viewer: "theirs", bring: () => {} } as never;
		await accept();
		server("t1").deaf = true; // the answer takes its time
		await act(() => button("May I?").click());
		await settle();
		expect(FakeScreen.all[0]).toMatchObject({ input: true, hasFocus: true });
		FakeScreen.all[0]?.events.data("ls");
		server("t1").deaf = false;
		await act(() => server("t1").give(server("t1").last));
		await settle();
		expect([server("t1").typed, panel().textContent]).toEqual(["ls", ""]);
	});
});
