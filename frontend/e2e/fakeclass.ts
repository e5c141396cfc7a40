/**
 * A class of any size without a network behind it: the built page, and the
 * contract of a class's live view. It shows whether the page stays fluid when
 * many learners change at once, which no machine of the tests could host.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Board, Cell, Class, ClassLab, Grid, Help, Row, Thumb } from "../src/api/classes";
import type { Topology } from "../src/api/types";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const media: Record<string, string> = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
};

const at = "2026-01-15T09:00:00.000Z";
const lab: ClassLab = {
	name: "routing",
	title: "Routing between two networks",
	minutes: 25,
	steps: [
		"Look at both networks",
		"Give the hosts addresses",
		"Reach the router",
		"The way there",
		"The way back",
		"Everybody reaches everybody",
		"What the router knows",
		"Predict, then try",
	].map((title, i) => ({
		id: `s${i + 1}`,
		title,
		checks: ["address", "reach"],
	})),
	faults: [{ id: "no-forwarding", title: "The router passes nothing on" }],
};

const topology: Topology = {
	nodes: [
		{ name: "A", kind: "host", label: "", at: [0, 0] },
		{ name: "B", kind: "host", label: "", at: [0, 2] },
		{ name: "R", kind: "host", label: "", at: [3, 1] },
		{ name: "C", kind: "host", label: "", at: [6, 0] },
		{ name: "D", kind: "host", label: "", at: [6, 2] },
		{ name: "sw1", kind: "switch", label: "", at: [1.5, 1] },
		{ name: "sw2", kind: "switch", label: "", at: [4.5, 1] },
	],
	links: [
		["A", "sw1"],
		["B", "sw1"],
		["R", "sw1"],
		["C", "sw2"],
		["D", "sw2"],
		["R", "sw2"],
	].map(([a, b], i) => ({
		a: { node: a as string, dev: a === "R" && i > 3 ? "eth1" : "eth0" },
		b: { node: b as string, dev: "" },
	})),
};

/** The same learners each time. */
function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 1664525 + 1013904223) % 2 ** 32;
		return state / 2 ** 32;
	};
}

export class FakeClass {
	readonly #server: Server;
	readonly #streams = new Set<ServerResponse>();
	readonly #next = random(7);
	/** Of each stream that was opened: whose networks it asked for. */
	readonly networks: string[][] = [];
	readonly rows: Row[];
	#number = 0;

	private constructor(learners: number) {
		this.rows = Array.from({ length: learners }, (_, i) => this.#row(i));
		this.#server = createServer((request, response) => this.#answer(request, response)).listen(0, "127.0.0.1");
	}

	static async start(learners: number): Promise<FakeClass> {
		const fake = new FakeClass(learners);
		await new Promise((resolve) => fake.#server.once("listening", resolve));
		return fake;
	}

	get url(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	async close(): Promise<void> {
		for (const stream of this.#streams) stream.end();
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	/** Lets so many learners get on at once, as the server would tell it. */
	stir(learners: number): string[] {
		const changed = Array.from({ length: learners }, () => Math.floor(this.#next() * this.rows.length));
		const rows = [...new Set(changed)].map((i) => {
			const row = this.#row(i, Math.floor(this.#next() * 8));
			this.rows[i] = row;
			return row;
		});
		this.#send("rows", { rows });
		this.#send("board", this.board());
		return rows.map((row) => row.member);
	}

	#row(i: number, step = Math.min(8, Math.floor(this.#next() * 9))): Row {
		const failing = step < 8 && this.#next() < 0.3;
		const cells = lab.steps.map((_, n): Cell => {
			const spent = 40 + Math.floor(this.#next() * 300);
			if (n < step)
				return {
					state: "passed",
					holds: this.#next() > 0.06,
					seconds: spent,
					...(this.#next() < 0.2 ? { hints: 1 + Math.floor(this.#next() * 2) } : {}),
					...(this.#next() < 0.07 ? { revealed: true } : {}),
					...(this.#next() < 0.05 ? { caughtUp: true } : {}),
				};
			if (n > step) return { state: "none" };
			if (!failing) return { state: "trying" };
			const fails = 1 + Math.floor(this.#next() * 6);
			return {
				state: "failed",
				fails,
				same: fails,
				check: 1,
				kind: "reach",
				reason: "no-return",
				why: "C has no route back.",
			};
		});
		const presence = this.#next();
		return {
			member: `m${i}`,
			name: `Learner ${i + 1}`,
			joined: true,
			presence: presence < 0.3 ? "typing" : presence < 0.8 ? "here" : presence < 0.9 ? "away" : "off",
			lastInput: at,
			session: presence < 0.9 ? `s${i}` : "",
			lab: lab.name,
			step: lab.steps[step]?.id ?? "",
			onStepSince: at,
			onStepSeconds: Math.floor(this.#next() * 700),
			cells: { [lab.name]: cells },
			hand: null,
			watchers: i % 61 === 5 ? [{ name: "Assistant", typing: false }] : [],
			keyboard: "",
		};
	}

	board(): Board {
		const failing = this.rows.filter((row) => row.cells[lab.name]?.some((cell) => (cell.fails ?? 0) >= 4));
		const help = failing.map((row, i): Help => {
			const fails = row.cells[lab.name]?.find((cell) => cell.fails)?.fails ?? 4;
			return {
				member: row.member,
				reason: "same-check",
				text: `${fails} times the same check: C has no route back.`,
				since: at,
				lab: lab.name,
				step: row.step,
				score: 100 - i,
			};
		});
		const hands = this.rows
			.filter((_, i) => i % 40 === 9)
			.map(({ member, step }, i) => ({
				member,
				at,
				lab: lab.name,
				step,
				text: i % 2 ? "" : "The ping just stops and says nothing.",
				claimedBy: i === 1 ? "Assistant" : "",
				claimedAt: null,
			}));
		const who = (chance: number) => {
			const some = this.rows.filter((_, i) => (i * 7) % 100 < chance);
			const stuck = Math.ceil(some.length / 2);
			return {
				stuck,
				who: some.map(({ member }, i) => ({ member, times: 1 + (i % 3), at, stuck: i < stuck, passed: i > stuck })),
			};
		};
		return {
			help,
			hands,
			funnel: {
				[lab.name]: lab.steps.map((step, n) => {
					const states = this.rows.map((row) => row.cells[lab.name]?.[n]?.state);
					const count = (state: string) => states.filter((s) => s === state).length;
					const passed = count("passed");
					return {
						step: step.id,
						reached: states.length - count("none"),
						trying: count("trying"),
						failed: count("failed"),
						passed,
						medianSeconds: passed ? 130 + 20 * n : null,
					};
				}),
			},
			causes: [
				{
					lab: lab.name,
					step: "s5",
					check: 1,
					kind: "reach",
					reason: "no-return",
					expected: "C answers 192.168.1.10",
					why: "C has no route back to 192.168.1.0/24.",
					...who(12),
				},
				{
					lab: lab.name,
					step: "s5",
					check: 1,
					kind: "reach",
					reason: "no-route",
					expected: "192.168.2.10 answers",
					why: "A has no route to 192.168.2.0/24.",
					...who(4),
				},
				{
					lab: lab.name,
					step: "s2",
					check: 0,
					kind: "address",
					reason: "prefix",
					expected: "192.168.1.10/24 on eth0",
					why: "eth0 has 192.168.1.10/32: the prefix length is wrong.",
					...who(3),
				},
			],
			online: this.rows.filter((row) => row.presence !== "off").length,
			joined: this.rows.length,
			broadcast: null,
			faults: [
				{
					id: "f1",
					at,
					by: "Teacher",
					lab: lab.name,
					fault: "no-forwarding",
					title: "The router passes nothing on",
					members: this.rows.slice(0, 12).map(({ member }, i) => ({ member, repairedAt: i < 5 ? at : null })),
				},
			],
		};
	}

	class(): Class {
		return {
			id: "c1",
			name: "Networking 101",
			language: "",
			labs: [lab.name],
			startsOn: "",
			endsOn: "",
			recording: true,
			rosterOnly: false,
			retainDays: 90,
			state: "open",
			code: "K7M3QX",
			joinPath: "/join/K7M3QX",
			createdAt: at,
			endedAt: null,
			role: "owner",
			canEdit: true,
			staff: [{ id: "t1", name: "Teacher", login: "teacher", role: "owner" }],
			catalog: [lab],
			topologies: { [lab.name]: topology },
		};
	}

	grid(): Grid {
		const messages = [
			{
				id: "g1",
				at,
				from: "Teacher",
				text: "We look at step 5 together in five minutes.",
				to: {},
				reached: this.rows.length,
			},
		];
		return { class: this.class(), rows: this.rows, board: this.board(), messages, now: at };
	}

	#thumb(i: number): Thumb {
		const devices = (names: string[]) =>
			names.map((name, n) => ({ name, up: true, carrier: (i + n) % 5 !== 0, addrs: (i + n) % 4 ? 1 : 0 }));
		const nodes: Thumb["nodes"] = { R: { devs: devices(["eth0", "eth1"]) } };
		for (const host of ["A", "B", "C", "D"]) nodes[host] = { devs: devices(["eth0"]) };
		nodes.sw1 = { devs: devices(["A-eth0", "B-eth0", "R-eth0"]) };
		nodes.sw2 = { devs: devices(["C-eth0", "D-eth0", "R-eth1"]) };
		return { nodes };
	}

	#send(name: string, data: unknown): void {
		this.#number++;
		const text = `id: e-${this.#number}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
		for (const stream of this.#streams) stream.write(text);
	}

	#answer(request: IncomingMessage, response: ServerResponse): void {
		const path = new URL(request.url ?? "/", this.url).pathname;
		if (path === "/api/classes/c1/events") {
			response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
			this.#streams.add(response);
			request.on("close", () => this.#streams.delete(response));
			response.write(`id: e-0\nevent: grid\ndata: ${JSON.stringify(this.grid())}\n\n`);
			const { searchParams } = new URL(request.url ?? "/", this.url);
			const of = searchParams.has("thumbs") ? (searchParams.get("of") ?? "").split(",") : [];
			this.networks.push(of);
			for (const [i, row] of this.rows.entries())
				if (of.includes(row.member))
					response.write(`event: thumb\ndata: ${JSON.stringify({ member: row.member, thumb: this.#thumb(i) })}\n\n`);
			return;
		}
		const answers: Record<string, unknown> = {
			"/api/staff/me": { me: { id: "t1", login: "teacher", name: "Teacher", role: "owner" }, setup: false, oidc: "" },
			"/api/classes/c1": this.class(),
		};
		if (path in answers) {
			response.writeHead(200, { "Content-Type": "application/json" });
			response.end(JSON.stringify(answers[path]));
			return;
		}
		if (path.startsWith("/api/")) {
			response.writeHead(404, { "Content-Type": "application/json" });
			response.end(JSON.stringify({ type: "not-found", title: "Not found", status: 404, detail: "" }));
			return;
		}
		const name = normalize(path === "/" || !extname(path) ? "/index.html" : path);
		try {
			const body = readFileSync(join(dist, name));
			response.writeHead(200, { "Content-Type": media[extname(name)] ?? "application/octet-stream" });
			response.end(body);
		} catch {
			response.writeHead(404).end();
		}
	}
}
