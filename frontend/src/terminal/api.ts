/** The requests about terminals. Failures are ApiErrors, as in api/client.ts. */
import { ApiError } from "../api/client";
import type { Problem, Terminal } from "../api/types";
import { language } from "../state/prefs";

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
	let response: Response;
	try {
		response = await fetch(`${path}?lang=${language.peek()}`, {
			method,
			credentials: "same-origin",
			headers: body === undefined ? {} : { "Content-Type": "application/json" },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
	} catch {
		throw new ApiError(0, null);
	}
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

const at = (session: string, ...parts: string[]): string =>
	`/api/sessions/${[session, "terminals", ...parts].map(encodeURIComponent).join("/")}`;

/** Starts a shell on the host. */
export const openTerminal = (session: string, host: string, cols: number, rows: number) =>
	request<Terminal>("POST", at(session), { host, cols, rows });

/** Hangs the terminal up, which ends its shell. */
export const closeTerminal = (session: string, terminal: string) => request<null>("DELETE", at(session, terminal));

/** The address of a terminal's websocket. */
export function terminalURL(session: string, terminal: string): URL {
	const url = new URL(at(session, terminal, "ws"), location.href);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	url.searchParams.set("lang", language.peek());
	return url;
}
