/** One lab page: its lesson, its session, the connection, and what the learner can ask for. */
import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import * as api from "../api/client";
import { ApiError } from "../api/client";
import { type Connection, EventStream } from "../api/events";
import type { Lab, Session, StepState } from "../api/types";
import { announce } from "../state/announce";
import { language } from "../state/prefs";
import { blankStep, emptyView, reduce, untold, type View } from "../state/view";
import { stepNews } from "./news";

/** How far the page has come with getting a session. */
export type Phase =
	| { kind: "opening" }
	| { kind: "queued"; place: number; estimateSeconds: number; text: string }
	| { kind: "failed"; error: ApiError }
	| { kind: "open" };

/** Where a session comes from. */
export interface Source {
	/** Makes it, or resumes the one that runs. */
	open: (lab: string, signal?: AbortSignal) => Promise<Session>;
	get: (id: string) => Promise<Session>;
	/** The address of its events. */
	events: (id: string) => string;
	/** The lab with its lesson, if not the course's of that name. */
	lab?: (name: string, signal?: AbortSignal) => Promise<Lab>;
	/** It is somebody else's, and takes no orders of this page. */
	watched?: boolean;
}

const own: Source = { open: api.openSession, get: api.getSession, events: api.eventsURL };

/** The server keeps a place in the queue for somebody who asks at least this often. */
const queuePoll = 4000;

export class LabStore {
	readonly name: string;
	readonly lab = signal<Lab | null>(null);
	readonly labError = signal<ApiError | null>(null);
	readonly phase = signal<Phase>({ kind: "opening" });
	readonly connection = signal<Connection>("connecting");
	readonly view = signal<View>(emptyView);
	/** What is under way, by name: "check:address", "reset". */
	readonly pending = signal<ReadonlySet<string>>(new Set());
	#failure = signal<ApiError | "" | null>(null);
	/** What went wrong with the last thing that the learner asked for; empty: it did not reach the server. */
	readonly problem = computed(() => {
		const failure = this.#failure.value;
		return failure && (failure.offline ? "" : failure.message);
	});

	readonly session: ReadonlySignal<Session | null> = computed(() => this.view.value.session);
	readonly steps: ReadonlySignal<StepState[]> = computed(() => {
		const known = new Map(this.session.value?.steps.map((step) => [step.id, step]));
		return (this.lab.value?.steps ?? []).map((step) => known.get(step.id) ?? blankStep(step.id));
	});
	readonly passed = computed(() => this.steps.value.filter((step) => step.passed).length);
	/** The first step that is not passed; empty when all are. */
	readonly current = computed(() => this.steps.value.find((step) => !step.passed)?.id ?? "");
	/** The session takes orders: it is there, and not being changed. */
	readonly usable = computed(
		() =>
			!this.#source.watched &&
			this.phase.value.kind === "open" &&
			this.session.value?.state === "ready" &&
			!this.view.value.progress,
	);

	#source: Source;
	#stream: EventStream | null = null;
	#abort = new AbortController();
	#timer: ReturnType<typeof setTimeout> | undefined;
	#stop: Array<() => void> = [];

	constructor(name: string, source: Source = own) {
		this.name = name;
		this.#source = source;
		let first = true;
		this.#stop.push(
			effect(() => {
				language.value;
				void this.#loadLab();
				if (!first) {
					this.#stream?.reconnect();
					this.view.value = untold(this.view.peek());
				}
				first = false;
			}),
		);
		void this.open();
	}

	dispose(): void {
		this.#abort.abort();
		clearTimeout(this.#timer);
		this.#stream?.close();
		for (const stop of this.#stop) stop();
	}

	retryLab(): void {
		this.labError.value = null;
		void this.#loadLab();
	}

	async #loadLab(): Promise<void> {
		const wanted = language.peek();
		try {
			const lab = await (this.#source.lab ?? api.getLab)(this.name, this.#abort.signal);
			if (wanted === language.peek()) this.lab.value = lab;
		} catch (error) {
			if (error instanceof ApiError && wanted === language.peek()) this.labError.value = error;
		}
	}

	/** Makes a session of the lab, or resumes the one that runs; waits for a place if the server is full. */
	async open(): Promise<void> {
		clearTimeout(this.#timer);
		if (this.phase.peek().kind !== "queued") this.phase.value = { kind: "opening" };
		try {
			const session = await this.#source.open(this.name, this.#abort.signal);
			batch(() => {
				this.view.value = reduce({ ...emptyView }, { name: "session", data: session });
				this.phase.value = { kind: "open" };
			});
			this.#listen(session.id);
		} catch (error) {
			if (!(error instanceof ApiError)) return;
			if (error.full) {
				const { place = 1, estimateSeconds = 0, detail = "" } = error.problem ?? {};
				this.phase.value = { kind: "queued", place, estimateSeconds, text: detail };
				this.#timer = setTimeout(() => void this.open(), queuePoll);
			} else {
				this.phase.value = { kind: "failed", error };
			}
		}
	}

	#listen(id: string): void {
		this.#stream?.close();
		this.#stream = new EventStream(() => this.#source.events(id), {
			event: (event) => {
				const before = this.view.peek().session?.steps ?? [];
				this.view.value = reduce(this.view.peek(), event);
				if (event.name === "lab") void this.#loadLab();
				if (event.name === "step") this.#tell(before, event.data);
				if (event.name === "notice" && event.data.kind === "expires-soon") announce(event.data.text);
				// An ended session has no more events: trying to reconnect would only fail.
				if (this.view.peek().session?.state === "ended") this.#stream?.close();
			},
			connection: (state) => {
				this.connection.value = state;
			},
			alive: async () => {
				try {
					const session = await this.#source.get(id);
					this.view.value = reduce(this.view.peek(), { name: "session", data: session });
					return session.state !== "ended";
				} catch (error) {
					if (!(error instanceof ApiError) || !error.gone) throw error;
					this.#over();
					return false;
				}
			},
		});
	}

	#tell(before: StepState[], step: StepState): void {
		const index = this.lab.peek()?.steps.findIndex((s) => s.id === step.id) ?? -1;
		const news = stepNews(
			before.find((s) => s.id === step.id),
			step,
			index + 1,
			step.id === this.current.peek(),
		);
		if (news && index >= 0) announce(news);
	}

	/** The session is not there any more, and no event said so. */
	#over(): void {
		const session = this.session.peek();
		if (!session) return;
		this.view.value = { ...this.view.peek(), progress: null, session: { ...session, state: "ended" } };
	}

	/** Does what the learner asked for, shows that it is under way, and says what went wrong. */
	async #ask<T>(name: string, ask: (id: string) => Promise<T>, then?: (value: T) => void): Promise<boolean> {
		const id = this.session.peek()?.id;
		if (!id || this.pending.peek().has(name)) return false;
		this.pending.value = new Set(this.pending.peek()).add(name);
		this.#failure.value = null;
		try {
			const value = await ask(id);
			// An answer that comes after the page has moved on is nobody's.
			if (this.session.peek()?.id === id) then?.(value);
			return true;
		} catch (error) {
			if (error instanceof ApiError && error.gone && error.status === 410) this.#over();
			else this.#failure.value = error instanceof ApiError ? error : "";
			return false;
		} finally {
			const rest = new Set(this.pending.peek());
			rest.delete(name);
			this.pending.value = rest;
		}
	}

	/** While events come, they say it too, and in order; an answer may have been overtaken by a later one. */
	get #told(): boolean {
		return this.connection.peek() === "live";
	}

	#step = (state: StepState): void => {
		if (this.#told) return;
		const before = this.session.peek()?.steps ?? [];
		this.view.value = reduce(this.view.peek(), { name: "step", data: state });
		this.#tell(before, state);
	};

	#session = (session: Session | null): void => {
		if (session && !this.#told) this.view.value = reduce(this.view.peek(), { name: "session", data: session });
	};

	check = (step: string) => this.#ask(`check:${step}`, (id) => api.stepAction(id, step, "check"), this.#step);
	hint = (step: string) => this.#ask(`hint:${step}`, (id) => api.stepAction(id, step, "hint"), this.#step);
	solution = (step: string) => this.#ask(`solution:${step}`, (id) => api.stepAction(id, step, "solution"), this.#step);
	answer = (step: string, name: string, value: string) =>
		this.#ask(`answer:${step}:${name}`, (id) => api.answerQuestion(id, step, name, value), this.#step);
	predict = (step: string, name: string, value: string) =>
		this.#ask(`predict:${step}:${name}`, (id) => api.predictOutcome(id, step, name, value), this.#step);
	reboot = (host: string) => this.#ask(`reboot:${host}`, (id) => api.rebootHost(id, host));
	extend = () => this.#ask("extend", api.extendSession, this.#session);
	reset = () => this.#ask("reset", api.resetSession, this.#session);
	catchUp = (step: string) => this.#ask("catch-up", (id) => api.catchUp(id, step));
	end = () => this.#ask("end", api.endSession, () => this.#over());

	/** Tries the connection at once instead of after its delay. */
	reconnect = (): void => this.#stream?.reconnect();

	dismissProblem = (): void => {
		this.#failure.value = null;
	};
	dismissProgress = (): void => {
		this.view.value = { ...this.view.peek(), progress: null };
	};
}
