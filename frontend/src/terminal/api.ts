/** The requests about terminals. Failures are ApiErrors, as in api/client.ts. */
import { request } from "../api/client";
import type { Terminal } from "../api/types";
import { language } from "../state/prefs";

const at = (session: string, ...parts: string[]): string =>
	`sessions/${[session, "terminals", ...parts].map(encodeURIComponent).join("/")}`;

/** Starts a shell on the host. */
export const openTerminal = (session: string, host: string, cols: number, rows: number) =>
	request<Terminal>("POST", at(session), { host, cols, rows });

/** Hangs the terminal up, which ends its shell. */
export const closeTerminal = (session: string, terminal: string) => request<null>("DELETE", at(session, terminal));

/** The address of a terminal's websocket. */
export function terminalURL(session: string, terminal: string): URL {
	const url = new URL(`/api/${at(session, terminal, "ws")}`, location.href);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	url.searchParams.set("lang", language.peek());
	return url;
}
