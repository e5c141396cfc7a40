/** Local storage that may be blocked, full, or hold what another version wrote. */

export function load<T>(key: string, fallback: T): T {
	try {
		const text = localStorage.getItem(key);
		if (text === null) return fallback;
		const value: unknown = JSON.parse(text);
		return value === null || typeof value !== typeof fallback ? fallback : (value as T);
	} catch {
		return fallback;
	}
}

export function save(key: string, value: unknown): void {
	try {
		localStorage.setItem(key, JSON.stringify(value));
	} catch {
		// It is a convenience: what cannot be remembered is chosen again.
	}
}

export function forget(key: string): void {
	try {
		localStorage.removeItem(key);
	} catch {
		// Nothing was kept, then.
	}
}
