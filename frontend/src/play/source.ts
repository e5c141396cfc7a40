/** Where the playground's session comes from: it is opened by the text of its network, and its lab is its own. */
import { eventsURL, getSession } from "../api/client";
import type { Session } from "../api/types";
import type { Source } from "../lab/store";
import { navigate, playPath } from "../router";
import { getPlayground, getSessionLab, play } from "./api";
import { draft } from "./draft";

export function playSource(): Source {
	let known: (id: string) => void = () => {};
	let id: string | Promise<string> = new Promise((resolve) => {
		known = resolve;
	});
	return {
		async open(_, signal) {
			const session = await running(signal);
			known(session.id);
			id = session.id;
			return session;
		},
		get: getSession,
		events: eventsURL,
		lab: async (_, signal) => getSessionLab(await id, signal),
	};
}

/** The network that runs; where none does, that of the text, as opening a lab makes its session. */
async function running(signal?: AbortSignal): Promise<Session> {
	const { session, text } = await getPlayground(signal);
	if (session) {
		draft.started = text;
		return getSession(session);
	}
	if (!draft.started) {
		navigate(playPath);
		return new Promise(() => {}); // the page goes
	}
	return play(draft.started, false, signal);
}
