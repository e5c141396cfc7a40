/** What was typed and is not known to have arrived: bytes numbered as the server counts them. Pure. */

/** More than this is not kept. */
export const keptLimit = 64 << 10;

export class Typed {
	#base = 0;
	#bytes = new Uint8Array(256);
	#length = 0;

	/** The number of the first byte kept. */
	get base(): number {
		return this.#base;
	}

	/** The number of the next byte that is typed. */
	get end(): number {
		return this.#base + this.#length;
	}

	get empty(): boolean {
		return this.#length === 0;
	}

	/** Keeps the bytes: all of them, or, if they do not fit, none. */
	add(data: Uint8Array): boolean {
		const length = this.#length + data.length;
		if (length > keptLimit) return false;
		if (length > this.#bytes.length) {
			const bigger = new Uint8Array(Math.min(keptLimit, Math.max(length, 2 * this.#bytes.length)));
			bigger.set(this.#bytes.subarray(0, this.#length));
			this.#bytes = bigger;
		}
		this.#bytes.set(data, this.#length);
		this.#length = length;
		return true;
	}

	/** A copy of at most so many bytes from number from on. */
	slice(from: number, most: number): Uint8Array {
		const at = from - this.#base;
		return this.#bytes.slice(at, Math.min(at + most, this.#length));
	}

	/** All before number n was taken. */
	taken(n: number): void {
		const drop = Math.min(Math.max(n - this.#base, 0), this.#length);
		this.#bytes.copyWithin(0, drop, this.#length);
		this.#length -= drop;
		this.#base = Math.max(n, this.#base);
	}

	/** What is kept gets other numbers, because the server counts from elsewhere. */
	renumber(base: number): void {
		this.#base = base;
	}

	/** Forgets what is kept; it will never be sent. */
	drop(): void {
		this.#length = 0;
	}
}
