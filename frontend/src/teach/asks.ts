/** What the teacher has asked the server for: what is under way, and what went wrong. */
import { computed, signal } from "@preact/signals";
import { ApiError } from "../api/client";
import { offlineText } from "../ui/ErrorPage";

export class Asks {
	/** By name: "claim:L1". */
	readonly pending = signal<ReadonlySet<string>>(new Set());
	#failure = signal<ApiError | null>(null);
	readonly problem = computed(() => {
		const failure = this.#failure.value;
		return failure && (failure.offline ? offlineText() : failure.message);
	});

	/** Does it once at a time. False: it did not work, and problem says why. */
	async run<T>(name: string, ask: () => Promise<T>, then?: (value: T) => void): Promise<boolean> {
		if (this.pending.peek().has(name)) return false;
		this.pending.value = new Set(this.pending.peek()).add(name);
		this.#failure.value = null;
		try {
			const value = await ask();
			then?.(value);
			return true;
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			this.#failure.value = error;
			return false;
		} finally {
			const rest = new Set(this.pending.peek());
			rest.delete(name);
			this.pending.value = rest;
		}
	}

	dismiss = (): void => {
		this.#failure.value = null;
	};
}
