/** The HTTP API as functions. Every failure is an ApiError with a sentence. */
import { inLanguage, language } from "../state/prefs";
import type { CheatSheet, Course, Lab, Problem, Session, StepState } from "./types";

/** What the server refused, or that it did not answer at all (status 0). */
export class ApiError extends Error {
	readonly status: number;
	readonly problem: Problem | null;

	constructor(status: number, problem: Problem | null) {
		super();
		this.status = status;
		this.problem = problem;
	}

	/** In the language that the page has by now: who draws it follows the language. */
	override get message(): string {
		const { problem, status } = this;
		return inLanguage(problem?.detail, problem?.details) || problem?.title || (status ? `HTTP ${status}` : "no answer");
	}

	/** The request never reached the server, or its answer never reached us. */
	get offline(): boolean {
		return this.status === 0;
	}

	/** The session is over, or was never this learner's. */
	get gone(): boolean {
		return this.status === 404 || this.status === 410;
	}

	/** All places are taken; problem says the place in the queue. */
	get full(): boolean {
		return this.status === 503 && this.problem?.place !== undefined;
	}
}

/** How far the server's clock is ahead of this browser's, in milliseconds. */
let skew = 0;

/** The server's time: that in which expiresAt is meant. */
export const serverNow = (): number => Date.now() + skew;

/** Asks the API; path is what follows /api/. Every failure is an ApiError, but for an abort. */
export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
	const url = `/api/${path}${path.includes("?") ? "&" : "?"}lang=${language.peek()}`;
	let response: Response;
	try {
		response = await fetch(url, {
			method,
			credentials: "same-origin",
			headers: body === undefined ? {} : { "Content-Type": "application/json" },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			...(signal ? { signal } : {}),
		});
	} catch (error) {
		if (signal?.aborted) throw error;
		throw new ApiError(0, null);
	}
	const date = Date.parse(response.headers.get("Date") ?? "");
	// The header has whole seconds: smaller differences are its rounding.
	if (!Number.isNaN(date)) skew = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();

	const text = await response.text().catch(() => "");
	let value: unknown = null;
	try {
		value = text === "" ? null : JSON.parse(text);
	} catch {
		// A proxy's HTML page, say: the status tells enough.
	}
	if (!response.ok) throw new ApiError(response.status, isProblem(value) ? value : null);
	return value as T;
}

function isProblem(value: unknown): value is Problem {
	return typeof value === "object" && value !== null && ("detail" in value || "title" in value);
}

export const at = (...parts: string[]): string => parts.map(encodeURIComponent).join("/");

export const getCourse = (signal?: AbortSignal) => request<Course>("GET", "course", undefined, signal);
export const getLab = (lab: string, signal?: AbortSignal) => request<Lab>("GET", at("labs", lab), undefined, signal);

export const getCheatSheet = (signal?: AbortSignal) => request<CheatSheet>("GET", "cheatsheet", undefined, signal);

/** Makes a session of the lab, or resumes the learner's live one. */
export const openSession = (lab: string, signal?: AbortSignal) => request<Session>("POST", "sessions", { lab }, signal);
export const getSession = (id: string) => request<Session>("GET", at("sessions", id));
export const endSession = (id: string) => request<null>("DELETE", at("sessions", id));
export const resetSession = (id: string) => request<Session | null>("POST", at("sessions", id, "reset"), {});
export const extendSession = (id: string) => request<Session>("POST", at("sessions", id, "extend"), {});
export const catchUp = (id: string, step: string) => request<null>("POST", at("sessions", id, "catch-up"), { step });

export type StepAction = "check" | "hint" | "solution";

/** Checks a step now, shows one more hint of it, or reveals its solution. */
export const stepAction = (id: string, step: string, action: StepAction) =>
	request<StepState>("POST", at("sessions", id, "steps", step, action), {});
export const answerQuestion = (id: string, step: string, name: string, value: string) =>
	request<StepState>("POST", at("sessions", id, "steps", step, "answer"), { name, value });
/** Says what the learner expects to happen; the first word counts. */
export const predictOutcome = (id: string, step: string, name: string, value: string) =>
	request<StepState>("POST", at("sessions", id, "steps", step, "predict"), { name, value });
export const rebootHost = (id: string, host: string) =>
	request<null>("POST", at("sessions", id, "hosts", host, "reboot"), {});

/** The address of a session's events. */
export const eventsURL = (id: string): string => `/api/${at("sessions", id, "events")}?lang=${language.peek()}`;
