/** The part of the HTTP API that is about classes. Only the teacher's pages and a learner in a class load it. */
import { language } from "../state/prefs";
import { ApiError, at, request } from "./client";
import type { InLanguages, Lab, NetworkState, Session, Topology } from "./types";

export type Role = "owner" | "teacher" | "assistant";

export interface Me {
	id: string;
	login: string;
	name: string;
	role: Role;
}

/** GET /api/staff/me, also for a stranger. */
export interface SignIn {
	me: Me | null;
	/** Nobody has set a password yet. */
	setup: boolean;
	/** What the provider's button says; empty where none is configured. */
	oidc: string;
}

export interface Staff extends Me {
	createdAt: string;
	/** Has not used the link yet. */
	pending: boolean;
}

export type ClassState = "open" | "paused" | "ended";

export interface ClassSettings {
	name: string;
	language: "" | "ko" | "en";
	/** In their order. */
	labs: string[];
	/** YYYY-MM-DD, or empty. */
	startsOn: string;
	endsOn: string;
	recording: boolean;
	rosterOnly: boolean;
	/** Days after the end; 0 keeps. */
	retainDays: number;
}

export interface ClassSummary {
	id: string;
	name: string;
	state: ClassState;
	members: number;
	startsOn: string;
	endsOn: string;
	role: Role;
	createdAt: string;
}

export interface Class extends ClassSettings {
	id: string;
	state: ClassState;
	code: string;
	joinPath: string;
	createdAt: string;
	endedAt: string | null;
	/** What the reader is here. */
	role: Role;
	canEdit: boolean;
	staff: { id: string; name: string; login: string; role: Role }[];
	catalog: ClassLab[];
	/** By lab. */
	topologies: Record<string, Topology>;
}

export interface ClassLab {
	name: string;
	title: string;
	minutes: number;
	steps: ClassStep[];
	faults: { id: string; title: string }[];
}

export interface ClassStep {
	id: string;
	title: string;
	/** Their kinds. */
	checks: string[];
}

export interface Member {
	id: string;
	name: string;
	externalId: string;
	/** Personal: the way back in on another device. */
	code: string;
	joined: boolean;
	joinedAt: string | null;
}

export interface RosterResult {
	added: Member[];
	skipped: { line: number; name: string; why: string; whys?: InLanguages }[];
}

export type CellState = "none" | "trying" | "failed" | "passed";

export interface Cell {
	state: CellState;
	holds?: boolean;
	fails?: number;
	/** How often in a row by the same check and cause. */
	same?: number;
	/** The first check that fails, counted from 0. */
	check?: number;
	kind?: string;
	reason?: string;
	why?: string;
	hints?: number;
	revealed?: boolean;
	caughtUp?: boolean;
	passedAt?: string;
	seconds?: number;
}

/** typing: a key within seconds; here: a page is open; away: the session lives, and no page is open. */
export type Presence = "typing" | "here" | "away" | "off";

export interface Row {
	member: string;
	name: string;
	joined: boolean;
	gone?: boolean;
	presence: Presence;
	lastInput: string | null;
	/** The live session, or empty. */
	session: string;
	lab: string;
	step: string;
	onStepSince: string | null;
	onStepSeconds: number;
	/** By lab, in the order of its steps. */
	cells: Record<string, Cell[]>;
	hand: Hand | null;
	watchers: { name: string; typing: boolean }[];
	keyboard: "" | "asked" | "granted" | "denied";
}

export interface Hand {
	member: string;
	at: string;
	lab: string;
	step: string;
	text: string;
	claimedBy: string;
	claimedAt: string | null;
}

export type HelpReason = "hand" | "same-check" | "many-fails" | "long" | "revealed" | "idle";

export interface Help {
	member: string;
	reason: HelpReason;
	/** A sentence in the reader's language. */
	text: string;
	since: string;
	lab: string;
	step: string;
	score: number;
}

export interface FunnelStep {
	step: string;
	reached: number;
	trying: number;
	failed: number;
	passed: number;
	medianSeconds: number | null;
}

export interface Cause {
	lab: string;
	step: string;
	check: number;
	kind: string;
	reason: string;
	/** What the check wants, and one example of what was found, in the reader's language. */
	expected: string;
	why: string;
	/** How many still fail so. */
	stuck: number;
	/** Who still fails first, who has passed since last. */
	who: { member: string; times: number; at: string; stuck: boolean; passed: boolean }[];
}

export interface Broadcast {
	by: string;
	lab: string;
	host: string;
	at: string;
}

export interface Injection {
	id: string;
	at: string;
	by: string;
	lab: string;
	fault: string;
	title: string;
	members: { member: string; repairedAt: string | null; error?: string }[];
}

export interface Board {
	/** The most urgent first; what was put aside is left out. */
	help: Help[];
	/** The oldest first. */
	hands: Hand[];
	funnel: Record<string, FunnelStep[]>;
	causes: Cause[];
	online: number;
	joined: number;
	broadcast: Broadcast | null;
	faults: Injection[];
}

export interface Message {
	id: string;
	at: string;
	from: string;
	text: string;
	to: { member?: string; lab?: string; step?: string };
	reached: number;
}

export interface Grid {
	class: Class;
	rows: Row[];
	board: Board;
	messages: Message[];
	now: string;
}

export interface ThumbDevice {
	name: string;
	up: boolean;
	carrier: boolean;
	addrs: number;
}

/** A learner's network, reduced to what a small picture can show. */
export interface Thumb {
	nodes: Record<string, { down?: boolean; namespaces?: number; devs: ThumbDevice[] | null }>;
}

export type GridEvent =
	| { name: "grid"; data: Grid }
	| { name: "rows"; data: { rows: Row[] } }
	/** Causes are null where they are those of before. */
	| { name: "board"; data: Omit<Board, "causes"> & { causes: Cause[] | null } }
	| { name: "class"; data: Class }
	| { name: "thumb"; data: { member: string; thumb: Thumb } }
	| { name: "message"; data: Message };

export interface Recording {
	id: string;
	member: string;
	name: string;
	lab: string;
	host: string;
	startedAt: string;
	seconds: number;
	bytes: number;
	truncated: boolean;
	live: boolean;
	marks: { at: number; label: string }[];
}

export interface Results {
	class: { id: string; name: string };
	labs: ClassLab[];
	rows: { member: string; name: string; externalId: string; steps: ResultStep[] }[];
	at: string;
}

export interface ResultStep {
	lab: string;
	step: string;
	state: CellState;
	passedAt: string | null;
	seconds: number;
	fails: number;
	hints: number;
	revealed: boolean;
	caughtUp: boolean;
}

export interface JoinInfo {
	name: string;
	language: "" | "ko" | "en";
	state: ClassState;
	/** The day on which the labs open; empty: they are open. */
	beginsOn: string;
	recording: boolean;
	rosterOnly: boolean;
	retainDays: number;
}

/** A learner's own view of a class. */
export interface Membership {
	class: string;
	className: string;
	language: string;
	state: ClassState;
	/** The day on which the labs open; empty: they are open. */
	beginsOn: string;
	member: string;
	name: string;
	code: string;
	recording: boolean;
	labs: { name: string; title: string }[];
	hand: Hand | null;
	watchers: { name: string; typing: boolean }[];
	keyboard: "" | "asked" | "granted";
	keyboardBy: string;
	messages: { id: string; at: string; from: string; text: string }[];
	broadcast: Broadcast | null;
	faults: { id: string; at: string; lab: string; title: string; repairedAt: string | null }[];
}

// Staff.
export const whoAmI = () => request<SignIn>("GET", "staff/me");
export const linkFor = (token: string) =>
	request<{ login: string; name: string; role: Role }>("POST", "staff/link", { token });
export const setUp = (token: string, login: string, name: string, password: string) =>
	request<Me>("POST", "staff/setup", { token, login, name, password });
export const signIn = (login: string, password: string) => request<Me>("POST", "staff/sign-in", { login, password });
export const signOut = () => request<null>("POST", "staff/sign-out", {});
export const changePassword = (old: string, next: string) =>
	request<null>("POST", "staff/password", { old, new: next });
export const getStaff = () => request<Staff[]>("GET", "staff");
export const addStaff = (login: string, name: string, role: Role) =>
	request<{ staff: Staff; link: string }>("POST", "staff", { login, name, role });
export const newStaffLink = (id: string) => request<{ link: string }>("POST", at("staff", id, "link"), {});
export const removeStaff = (id: string) => request<null>("DELETE", at("staff", id));

// Classes.
const one = (id: string, ...parts: string[]) => at("classes", id, ...parts);
export const getClasses = () => request<ClassSummary[]>("GET", "classes");
export const getClass = (id: string) => request<Class>("GET", one(id));
export const makeClass = (settings: ClassSettings) => request<Class>("POST", "classes", settings);
export const changeClass = (id: string, settings: ClassSettings) => request<Class>("PUT", one(id), settings);
export const setClassState = (id: string, state: ClassState) => request<Class>("POST", one(id, "state"), { state });
export const newCode = (id: string) => request<Class>("POST", one(id, "code"), {});
export const deleteClass = (id: string) => request<null>("DELETE", one(id));
export const addClassStaff = (id: string, login: string, role: Role) =>
	request<Class>("POST", one(id, "staff"), { login, role });
export const removeClassStaff = (id: string, staff: string) => request<null>("DELETE", one(id, "staff", staff));
export const getMembers = (id: string) => request<Member[]>("GET", one(id, "members"));
export const importRoster = (id: string, csv: string) => request<RosterResult>("POST", one(id, "members"), { csv });
export const renameMember = (id: string, member: string, name: string) =>
	request<Member>("PUT", one(id, "members", member), { name });
export const newMemberCode = (id: string, member: string) =>
	request<Member>("POST", one(id, "members", member, "code"), {});
export const deleteMember = (id: string, member: string) => request<null>("DELETE", one(id, "members", member));

/** Addresses for the browser itself: pictures and downloads. */
export const qrURL = (id: string, code: string): string => `/api/${one(id, "qr.svg")}?code=${encodeURIComponent(code)}`;
export const resultsCSV = (id: string): string => `/api/${one(id, "results.csv")}?lang=${language.value}`;
export const resultsJSON = (id: string): string => `/api/${one(id, "results")}?lang=${language.value}`;
export const recordingURL = (id: string, recording: string, download = false): string =>
	`/api/${one(id, "recordings", recording)}${download ? "?download=1" : ""}`;

// The live view.
export const gridURL = (id: string, thumbs: Thumbs | null): string =>
	`/api/${one(id, "events")}?lang=${language.peek()}${thumbs ? `&thumbs=${encodeURIComponent(thumbs.lab)}&of=${thumbs.of.map(encodeURIComponent).join(",")}` : ""}`;

/** Which networks a live view gets. */
export interface Thumbs {
	lab: string;
	/** The members; the server takes a hundred at most. */
	of: readonly string[];
}

export const dismissHelp = (id: string, member: string) =>
	request<null>("POST", one(id, "members", member, "dismiss"), {});
export const claimHand = (id: string, member: string) => request<null>("POST", one(id, "hands", member, "claim"), {});
export const lowerHand = (id: string, member: string) => request<null>("POST", one(id, "hands", member, "done"), {});
export const sendMessage = (id: string, text: string, to: Message["to"]) =>
	request<Message>("POST", one(id, "messages"), { text, ...to });
export const startBroadcast = (id: string, session: string, terminal: string) =>
	request<Broadcast>("POST", one(id, "broadcast"), { session, terminal });
export const stopBroadcast = (id: string) => request<null>("DELETE", one(id, "broadcast"));
export const injectFault = (id: string, lab: string, fault: string) =>
	request<Injection>("POST", one(id, "faults"), { lab, fault });

// One learner of a class.
const learner = (id: string, member: string, ...parts: string[]) => one(id, "members", member, ...parts);
export const memberSession = (id: string, member: string) => request<Session>("GET", learner(id, member, "session"));
export const memberLab = (id: string, member: string, signal?: AbortSignal) =>
	request<Lab>("GET", learner(id, member, "lab"), undefined, signal);
export const memberEvents = (id: string, member: string): string =>
	`/api/${learner(id, member, "events")}?lang=${language.peek()}`;
export const memberTerminal = (id: string, member: string, terminal: string): URL =>
	socketURL(learner(id, member, "terminals", terminal, "ws"));
export const askKeyboard = (id: string, member: string) => request<null>("POST", learner(id, member, "keyboard"), {});
export const returnKeyboard = (id: string, member: string) => request<null>("DELETE", learner(id, member, "keyboard"));
export const resetMember = (id: string, member: string) => request<null>("POST", learner(id, member, "reset"), {});
export const extendMember = (id: string, member: string) => request<null>("POST", learner(id, member, "extend"), {});
export const catchMemberUp = (id: string, member: string, step: string) =>
	request<null>("POST", learner(id, member, "catch-up"), { step });
export const endMember = (id: string, member: string) => request<null>("POST", learner(id, member, "end"), {});

// Recordings and results.
export const getRecordings = (id: string) => request<Recording[]>("GET", one(id, "recordings"));
export const getRecordingStates = (id: string, recording: string) =>
	request<{ at: number; state: NetworkState }[]>("GET", one(id, "recordings", recording, "states"));
export async function getCast(id: string, recording: string): Promise<string> {
	const response = await fetch(recordingURL(id, recording), { credentials: "same-origin" }).catch(() => null);
	if (!response?.ok) throw new ApiError(response?.status ?? 0, null);
	return response.text();
}
export const deleteRecording = (id: string, recording: string) =>
	request<null>("DELETE", one(id, "recordings", recording));
export const getResults = (id: string) => request<Results>("GET", one(id, "results"));

// The learner's side.
export const joinInfo = (code: string) => request<JoinInfo>("GET", at("join", code));
export const join = (code: string, name: string) => request<Membership>("POST", "join", { code, name });
export const comeBack = (code: string) => request<Membership>("POST", "back", { code });
export const myClasses = () => request<Membership[]>("GET", "me/classes");
export const myEventsURL = (): string => `/api/me/classes/events?lang=${language.peek()}`;

/** What a learner's own stream tells of the classes. */
export type MyEvent = { name: "class"; data: Membership } | { name: "left"; data: { class: string } };

const mine = (id: string, part: string) => at("me", "classes", id, part);
export const raiseHand = (id: string, text: string) => request<Membership>("POST", mine(id, "hand"), { text });
export const takeHandDown = (id: string) => request<Membership>("DELETE", mine(id, "hand"));
export const allowKeyboard = (id: string, allow: boolean) =>
	request<Membership>("POST", mine(id, "keyboard"), { allow });
export const leaveClass = (id: string) => request<null>("DELETE", at("me", "classes", id));
export const broadcastURL = (id: string): URL => socketURL(at("me", "classes", id, "broadcast", "ws"));

function socketURL(path: string): URL {
	const url = new URL(`/api/${path}`, location.href);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	url.searchParams.set("lang", language.peek());
	return url;
}
