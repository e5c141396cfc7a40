/** A server of the tests' own: started on a free port, stopped by its process, and held to leave nothing behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const startWithin = 60_000;
const stopWithin = 60_000;

function setting(name: string): string {
	const value = process.env[name];
	if (!value) throw new Error(`${name} is not set; run deploy/test browser, or name the built files yourself`);
	if (!existsSync(value)) throw new Error(`${name} names ${value}, which does not exist`);
	return resolve(value);
}

interface Settings {
	args: string[];
	idBase: number;
	dir: string;
	listen: string;
	log: string[];
	/** Where days begin and end for it; the machine's, if not told. */
	zone?: string | undefined;
}

interface Launched {
	child: ChildProcess;
	url: string;
	/** Where to teach: the first time, a link that sets a password. */
	teach: string;
}

/** Starts the program, and waits until it serves. */
async function launch({ args, idBase, dir, listen, log, zone }: Settings): Promise<Launched> {
	const child = spawn(
		setting("NETGROUND_PROGRAM"),
		[
			"serve",
			`--listen=${listen}`,
			`--labs=${join(root, "labs")}`,
			`--rootfs=${setting("NETGROUND_ROOTFS")}`,
			`--keeper=${setting("NETGROUND_KEEPER")}`,
			`--state=${join(dir, "state")}`,
			`--runtime=${join(dir, "run")}`,
			`--cgroup=/${basename(dir)}`,
			`--id-base=${idBase}`,
			`--id-count=${1 << 27}`,
			...args,
		],
		{ stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...(zone ? { TZ: zone } : {}) } },
	);
	let url = "";
	const teach = await new Promise<string>((resolve, reject) => {
		const fail = (why: string) => reject(new Error(`${why}\n${log.join("\n")}`));
		const timer = setTimeout(() => {
			child.kill("SIGKILL");
			fail(`the server was not ready within ${startWithin} ms`);
		}, startWithin);
		const line = (text: string) => {
			log.push(text);
			url ||= /is ready: (http:\S+)/.exec(text)?.[1]?.replace(/\/$/, "") ?? "";
			const link = /^Teach here.*: (http:\S+)/.exec(text)?.[1];
			if (!link) return;
			clearTimeout(timer);
			resolve(link);
		};
		for (const stream of [child.stdout, child.stderr]) {
			let rest = "";
			stream.setEncoding("utf8").on("data", (part: string) => {
				const lines = (rest + part).split("\n");
				rest = lines.pop() ?? "";
				for (const l of lines) line(l);
			});
		}
		child.once("error", (error) => fail(`the server could not be started: ${error.message}`));
		child.once("exit", (code, signal) => {
			clearTimeout(timer);
			fail(`the server ended with ${code ?? signal} before it was ready`);
		});
	});
	return { child, url, teach };
}

export class Server {
	readonly url: string;
	/** Where its first teacher sets a password, once. */
	readonly teach: string;
	#process: ChildProcess;
	readonly #settings: Settings;

	private constructor(process: ChildProcess, settings: Settings, url: string, teach: string) {
		this.#process = process;
		this.#settings = settings;
		this.url = url;
		this.teach = teach;
	}

	get #dir(): string {
		return this.#settings.dir;
	}

	get #log(): string[] {
		return this.#settings.log;
	}

	/** Starts a server; more arguments go to its command line. idBase keeps two of them apart. */
	static async start({
		args = [],
		idBase = 1 << 29,
		zone,
	}: {
		args?: string[];
		idBase?: number;
		zone?: string;
	} = {}): Promise<Server> {
		// Not below the project: a socket's path must be short.
		const dir = mkdtempSync(join(tmpdir(), "netground-e2e-"));
		const settings: Settings = { args, idBase, dir, listen: "127.0.0.1:0", log: [], zone };
		const { child, url, teach } = await launch(settings);
		return new Server(child, { ...settings, listen: new URL(url).host }, url, teach);
	}

	/** Kills the server as a crash would. */
	async kill(): Promise<void> {
		const child = this.#process;
		const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
		child.kill("SIGKILL");
		await ended;
	}

	/** Starts the server again, at the same address, with what the last one left; perhaps in another time zone. */
	async again({ zone }: { zone?: string } = {}): Promise<void> {
		if (zone) this.#settings.zone = zone;
		this.#process = (await launch(this.#settings)).child;
	}

	/** Ends the server; an error if it was not well, or if something of its sandboxes is left. */
	async stop(): Promise<void> {
		const child = this.#process;
		const faults: string[] = [];
		if (child.exitCode === null && child.signalCode === null) {
			const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
			child.kill("SIGTERM");
			const timer = setTimeout(() => {
				faults.push(`the server did not end within ${stopWithin} ms`);
				child.kill("SIGKILL");
			}, stopWithin);
			await ended;
			clearTimeout(timer);
		} else {
			faults.push("the server ended before the tests did");
		}
		if (child.exitCode !== 0) faults.push(`the server ended with ${child.exitCode ?? child.signalCode}`);
		faults.push(...this.#log.filter((line) => /\blevel=ERROR\b|^panic:|^fatal error:|DATA RACE/.test(line)));
		faults.push(...this.#left());
		if (process.env.NETGROUND_E2E_LOG) console.log(this.#log.join("\n"));
		if (faults.length > 0) throw new Error(`the server was not well:\n${faults.join("\n")}`);
		// The server keeps its own group for its next start; there is none.
		for (const dir of this.#groups()) rmdirSync(dir);
		rmSync(this.#dir, { recursive: true, force: true });
	}

	/** The server's control group, in each hierarchy that has it. */
	#groups(): string[] {
		const top = "/sys/fs/cgroup";
		const hierarchies = [top, ...folders(top).map((dir) => join(top, dir))];
		return hierarchies.map((hierarchy) => join(hierarchy, basename(this.#dir))).filter((dir) => existsSync(dir));
	}

	/** What a stopped server must not leave: control groups with sandboxes, their processes, and mounts. */
	#left(): string[] {
		const left: string[] = [];
		for (const dir of this.#groups()) {
			for (const child of folders(dir)) left.push(`a control group is left: ${join(dir, child)}`);
			if (readFileSync(join(dir, "cgroup.procs"), "utf8").trim()) left.push(`processes are left in ${dir}`);
		}
		for (const mount of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
			if (mount.includes(this.#dir)) left.push(`a mount is left: ${mount}`);
		}
		for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
			try {
				const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
				if (command.includes(this.#dir)) left.push(`a process is left: ${pid} ${command}`);
			} catch {
				// It has ended meanwhile.
			}
		}
		return left;
	}
}

function folders(dir: string): string[] {
	try {
		return readdirSync(dir, { withFileTypes: true })
			.filter((entry) => entry.isDirectory())
			.map((entry) => entry.name);
	} catch {
		return [];
	}
}
