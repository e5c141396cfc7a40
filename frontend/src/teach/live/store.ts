/** One class as it is now: its stream of events, the order of its rows, and what the teacher can ask for. */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ClassLab, Grid, GridEvent, Help, Row, Thumb, Thumbs } from "../../api/classes";
import { getClass, gridURL } from "../../api/classes";
import { ApiError } from "../../api/client";
import { type Connection, EventStream } from "../../api/events";
import { language } from "../../state/prefs";
import { load, save } from "../../state/storage";
import { Asks } from "../asks";
import { asked, busiest, byNeed, held, reduceGrid } from "./board";

/** Events come in bursts when a class begins: they are drawn together. */
const gather = 80;
const names = ["grid", "rows", "board", "class", "thumb", "message"];

interface Options {
	/** For tests. */
	source?: new (
		url: string,
	) => EventSource;
}

export class ClassStore {
	readonly id: string;
	readonly grid = signal<Grid | null>(null);
	readonly connection = signal<Connection>("connecting");
	/** Why there is nothing to show. */
	readonly failure = signal<ApiError | null>(null);
	readonly asks = new Asks();
	/** The learners' ids in the order in which they are shown. */
	readonly order = signal<readonly string[]>([]);
	/** While somebody points into the rows, they stay where they are. */
	readonly steady = signal(false);
	/** Whose networks are on the screen: only theirs come, of the lab that is shown. */
	readonly onScreen = signal<readonly string[]>([]);
	/** The rows would stand in another order by now. */
	readonly stale: ReadonlySignal<boolean>;
	readonly lab: ReadonlySignal<ClassLab | null>;
	readonly help: ReadonlySignal<ReadonlyMap<string, Help>>;
	/** Names stay off the page while it is on the beamer. */
	readonly anonymous: Signal<boolean>;

	#chosen = signal("");
	#told: Thumbs | null = null;
	/** Which networks are to come: the same value as long as they are the same. */
	#shown = computed<Thumbs | null>(() => {
		const lab = this.lab.value?.name ?? "";
		const of = asked(this.#told?.of ?? [], this.onScreen.value);
		if (!lab || of.length === 0) this.#told = null;
		else if (this.#told?.lab !== lab || this.#told.of !== of) this.#told = { lab, of };
		return this.#told;
	});
	#rows = new Map<string, Signal<Row>>();
	#thumbs = new Map<string, Signal<Thumb | null>>();
	#right = signal<readonly string[]>([]);
	#stream: EventStream<GridEvent>;
	#after = "";
	#queue: GridEvent[] = [];
	#timer: ReturnType<typeof setTimeout> | undefined;
	#stop: Array<() => void> = [];

	constructor(id: string, options: Options = {}) {
		this.id = id;
		const key = `netground.anonymous.${id}`;
		this.anonymous = signal(load(key, false));
		this.stale = computed(() => this.order.value.some((member, i) => this.#right.value[i] !== member));
		const help = computed(() => this.grid.value?.board.help);
		this.help = computed(() => new Map(help.value?.map((one) => [one.member, one])));
		this.lab = computed(() => {
			const grid = this.grid.value;
			if (!grid) return null;
			const labs = grid.class.catalog;
			const name = this.#chosen.value || busiest(labs, grid.rows);
			return labs.find((lab) => lab.name === name) ?? labs[0] ?? null;
		});
		this.#stream = new EventStream<GridEvent>(
			() => gridURL(id, this.#shown.peek()) + (this.#after ? `&after=${encodeURIComponent(this.#after)}` : ""),
			{
				event: (event, number) => {
					if (number) this.#after = number;
					this.#queue.push(event);
					this.#timer ??= setTimeout(() => this.#flush(), gather);
				},
				connection: (state) => {
					this.connection.value = state;
				},
				alive: async () => {
					try {
						await getClass(id);
						return true;
					} catch (error) {
						if (!(error instanceof ApiError) || error.offline || error.status >= 500) throw error;
						this.failure.value = error;
						return false;
					}
				},
			},
			{ names, ...(options.source ? { source: options.source } : {}) },
		);
		let first = true;
		let shown: Thumbs | null = null;
		this.#stop.push(
			effect(() => {
				const now = this.#shown.value;
				if (now !== shown) this.#stream.reconnect();
				shown = now;
			}),
			effect(() => {
				language.value;
				if (!first) {
					// Titles and reasons are in the reader's language: all of it again.
					this.#after = "";
					this.#stream.reconnect();
				}
				first = false;
			}),
			effect(() => save(key, this.anonymous.value)),
			effect(() => {
				if (!this.steady.value) this.settle();
			}),
		);
	}

	dispose(): void {
		clearTimeout(this.#timer);
		for (const stop of this.#stop) stop();
		this.#stream.close();
	}

	reconnect = (): void => this.#stream.reconnect();

	chooseLab = (name: string): void => {
		this.#chosen.value = name;
	};

	/** A learner as a signal of its own: what changes of one is no other row's concern. */
	row(member: string): ReadonlySignal<Row> | undefined {
		return this.#rows.get(member);
	}

	/** A learner's network in small; null until it was heard of. */
	thumb(member: string): ReadonlySignal<Thumb | null> {
		return this.#thumb(member);
	}

	/** Lets the rows go where they belong. */
	settle = (): void => {
		this.order.value = this.#right.value;
	};

	/** What to call a learner: by name, or, on the beamer, by a number that stays the same. */
	nameOf(member: string): string {
		const row = this.#rows.get(member)?.value;
		if (!row) return "";
		if (!this.anonymous.value) return row.name;
		return `#${1 + (this.#numbers.value.get(member) ?? 0)}`;
	}

	#members = signal<readonly string[]>([]);
	#numbers = computed(() => new Map(this.#members.value.map((member, i) => [member, i])));

	#thumb(member: string): Signal<Thumb | null> {
		const known = this.#thumbs.get(member);
		if (known) return known;
		const thumb = signal<Thumb | null>(null);
		this.#thumbs.set(member, thumb);
		return thumb;
	}

	#flush(): void {
		this.#timer = undefined;
		const events = this.#queue;
		this.#queue = [];
		batch(() => {
			const before = this.grid.peek();
			let grid = before;
			for (const event of events) {
				if (event.name === "thumb") this.#thumb(event.data.member).value = event.data.thumb;
				grid = reduceGrid(grid, event);
			}
			if (!grid || grid === before) return;
			this.grid.value = grid;
			if (grid.rows === before?.rows && grid.board === before.board) return;
			for (const row of grid.rows) {
				const known = this.#rows.get(row.member);
				if (known) known.value = row;
				else this.#rows.set(row.member, signal(row));
			}
			const right = byNeed(grid.rows, grid.board.help);
			this.#members.value = same(this.#members.peek(), grid.rows.map((row) => row.member).sort());
			this.#right.value = same(this.#right.peek(), right);
			this.order.value = same(this.order.peek(), this.steady.peek() ? held(this.order.peek(), right) : right);
		});
	}
}

/** The list before, where the new one is no other: then nothing has to be drawn. */
function same(before: readonly string[], after: readonly string[]): readonly string[] {
	return before.length === after.length && before.every((id, i) => id === after[i]) ? before : after;
}
