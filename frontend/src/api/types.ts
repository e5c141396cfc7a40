/** The shapes of the HTTP API, as the server writes them. */

export type Language = "ko" | "en";

/** What the server says, in each language: a page that switches shows the other one. */
export type InLanguages = Partial<Record<Language, string>>;

/** GET /api/course */
export interface Course {
	title: string;
	chapters: Chapter[];
	/** Whether the learner's playground runs. */
	playground: boolean;
}

export interface Chapter {
	id: string;
	title: string;
	summary: string;
	labs: CourseLab[];
}

export interface CourseLab {
	name: string;
	title: string;
	summary: string;
	minutes: number;
	steps: number;
	/** How many of its steps this learner has passed. */
	passed: number;
	/** Whether the learner has a live session of it. */
	session: boolean;
}

/** GET /api/labs/{lab} */
export interface Lab {
	name: string;
	title: string;
	summary: string;
	minutes: number;
	/** HTML, sanitised by the server. */
	intro: string;
	summaryHtml: string;
	topology: Topology;
	steps: LabStep[];
	prev: LabReference | null;
	next: LabReference | null;
}

export interface LabReference {
	name: string;
	title: string;
}

export interface LabStep {
	id: string;
	title: string;
	html: string;
	/** How many checks it has. */
	checks: number;
	hints: number;
	hasSolution: boolean;
	answers: Question[];
	/** Asked where the lesson has figure.predict of the name. */
	predictions: Question[];
}

export interface Question {
	name: string;
	question: string;
	/** The texts to choose from, in order; null where the learner types. */
	choices: string[] | null;
}

export interface Topology {
	nodes: TopologyNode[];
	links: TopologyLink[];
}

export interface TopologyNode {
	name: string;
	kind: "host" | "switch";
	label: string;
	/** Where the lab's author put it, in units of a grid. */
	at: [number, number];
}

export interface TopologyLink {
	a: TopologyEnd;
	b: TopologyEnd;
}

export interface TopologyEnd {
	node: string;
	/** The device; a switch's port may have none of its own. */
	dev: string;
}

/** GET /api/playground */
export interface Playground {
	ready: ReadyTopology[];
	/** The learner's playground that runs, and the text of its network; empty if none does. */
	session: string;
	text: string;
	/** How many bytes a text may have. */
	maxText: number;
}

export interface ReadyTopology {
	id: string;
	title: string;
	summary: string;
	text: string;
	topology: Topology;
}

/** POST /api/playground/check */
export interface TopologyCheck {
	/** Null where there are problems. */
	topology: Topology | null;
	/** The network as it will be right after its start. */
	state: NetworkState | null;
	problems: TopologyProblem[];
}

export interface TopologyProblem {
	/** From 1; 0 where the text as a whole is meant. */
	line: number;
	column: number;
	message: string;
	remedy: string;
}

/** GET /api/sessions/{id} */
export interface Session {
	id: string;
	lab: string;
	createdAt: string;
	expiresAt: string;
	state: "starting" | "ready" | "resetting" | "ended";
	hosts: HostState[];
	terminals: Terminal[];
	steps: StepState[];
}

export interface HostState {
	name: string;
	state: "up" | "rebooting" | "down";
	/** How often the page has seen it go down; the page itself counts. */
	outages?: number;
}

export interface Terminal {
	id: string;
	host: string;
	cols: number;
	rows: number;
	exited: boolean;
	exitCode: number;
}

export interface StepState {
	id: string;
	/** Once passed, always passed. */
	passed: boolean;
	passedAt: string | null;
	/** Whether all checks hold at this moment; null as long as nobody has looked. */
	holds: boolean | null;
	/** The step passed by "catch up", not by the learner's own work. */
	caughtUp?: boolean;
	hintsUsed: number;
	/** HTML of the hints that were shown, in their order. */
	hints: string[];
	moreHints: boolean;
	solutionRevealed: boolean;
	/** Null until revealed. */
	solution: Command[] | null;
	checkedAt: string | null;
	attempts: number;
	answers: Record<string, string>;
	/** What the learner expected before trying, and what is true. */
	predictions: Record<string, Prediction>;
	/** The last evaluation in the lab's order; empty before the first. */
	checks: CheckState[];
}

export interface Prediction {
	value: string;
	/** Null for a free text, which nobody judges. */
	right: boolean | null;
	/** HTML about the choice; may be empty. */
	why: string;
	/** HTML. */
	truth: string;
}

/** GET /api/cheatsheet */
export interface CheatSheet {
	title: string;
	chapters: CheatChapter[];
}

export interface CheatChapter {
	id: string;
	title: string;
	labs: CheatLab[];
}

export interface CheatLab {
	name: string;
	title: string;
	/** What the lab's closing tables name. */
	learned: CheatCommand[];
	/** What else is typed, step by step. */
	typed: CheatStep[];
}

export interface CheatCommand {
	/** HTML. */
	command: string;
	does: string;
	/** Where the lesson runs it; may be empty. */
	step: string;
}

export interface CheatStep {
	id: string;
	title: string;
	commands: CheatTyped[];
}

export interface CheatTyped {
	host: string;
	code: string;
	fails: boolean;
}

/** One line of a solution; the host "answer" stands for an answer field of the page. */
export interface Command {
	host: string;
	line: string;
}

export interface CheckState {
	kind: string;
	ok: boolean;
	expected: string;
	found: string;
	why: string;
	/** A stable code; "not-checked" if it was left out of the evaluation. */
	reason: string;
	/** HTML; empty unless the learner asked for hints. */
	hint: string;
}

export interface Progress {
	what: "catch-up" | "reset";
	step: string;
	done: number;
	total: number;
	error?: string;
	errors?: InLanguages;
}

export interface Notice {
	/** slowed: the network stands still until expiresAt, as it was in everybody's way. storage: results wait. stored: they do no more. */
	kind: "expires-soon" | "ended" | "keeper-gone" | "slowed" | "storage" | "stored";
	text: string;
	texts?: InLanguages;
	expiresAt: string;
}

/** The lab was changed by its author. */
export interface LabChange {
	/** Its network has changed, which a reset brings. */
	needsReset: boolean;
}

/** application/problem+json. */
export interface Problem {
	type: string;
	title: string;
	status: number;
	detail: string;
	/** The same by language. */
	details?: InLanguages;
	/** Of a full server: the place in the queue, and how long it may take. */
	place?: number;
	estimateSeconds?: number;
}

/** The network of a session as the kernel has it: the event "state". */
export interface NetworkState {
	version: number;
	at: string;
	nodes: Record<string, NetworkNode>;
}

export interface NetworkNode {
	kind: "host" | "switch";
	namespace: NetworkNamespace | null;
	/** The namespaces that the learner named on the host, by name. */
	named?: Record<string, NetworkNamespace>;
	down?: boolean;
}

export interface NetworkNamespace {
	inode: number;
	// Go writes an empty list of its own as null.
	links: NetworkLink[] | null;
	routes: NetworkRoute[] | null;
	neighbours: NetworkNeighbour[] | null;
	forwarding: boolean;
	forwarding6: boolean;
}

export interface NetworkLink {
	index: number;
	name: string;
	type: string;
	mac?: string;
	mtu: number;
	/** Administratively up. */
	up: boolean;
	/** The cable has a living partner at its other end. */
	carrier: boolean;
	master?: string;
	addresses: string[] | null;
	/** Where the other end of a veth pair is, if it is in this sandbox. */
	peer?: NetworkPlace;
	/** The hardware addresses that a bridge has learned behind this port. */
	fdb?: string[];
}

export interface NetworkPlace {
	node: string;
	ns?: string;
	dev: string;
}

export interface NetworkRoute {
	to: string;
	via?: string;
	dev?: string;
	source?: string;
	metric?: number;
	type?: string;
	kernel?: boolean;
}

export interface NetworkNeighbour {
	ip: string;
	mac?: string;
	dev: string;
	state: string;
}
