/** What the lab page knows of its session, and how each event changes it: pure. */
import type { Membership } from "../api/classes";
import type { SessionEvent } from "../api/events";
import type { HostState, NetworkState, Notice, Progress, Session, StepState, Terminal } from "../api/types";

export interface View {
	session: Session | null;
	network: NetworkState | null;
	progress: Progress | null;
	notice: Notice | null;
	/** The lab's network was changed by its author; a reset brings it. */
	revised: boolean;
	/** What passes by itself: shown until its time. */
	passing: Notice | null;
	/** Of a learner in a class: what the class is to the learner now. */
	member: Membership | null;
}

export const emptyView: View = {
	session: null,
	network: null,
	progress: null,
	notice: null,
	revised: false,
	passing: null,
	member: null,
};

export function reduce(view: View, event: SessionEvent): View {
	switch (event.name) {
		case "session":
			return withSession(view, event.data);
		case "state":
			// Versions grow within one sandbox; a reset begins again with a small one, after a session event.
			return { ...view, network: event.data };
		case "step":
			return change(view, (s) => ({ steps: put(s.steps, event.data) }));
		case "terminal":
			return change(view, (s) => ({ terminals: put(s.terminals, event.data) }));
		case "host":
			return change(view, (s) => ({
				hosts: s.hosts.map((h: HostState) => (h.name === event.data.name ? withOutages(h, event.data) : h)),
			}));
		case "progress": {
			const { done, total, error } = event.data;
			return { ...view, progress: done >= total && !error ? null : event.data };
		}
		case "notice":
			return withNotice(view, event.data);
		case "lab":
			return { ...view, revised: event.data.needsReset };
		case "class":
			// Of several classes the newest comes last; one that is over gives way to one that is on.
			if (
				view.member &&
				view.member.class !== event.data.class &&
				view.member.state !== "ended" &&
				event.data.state === "ended"
			)
				return view;
			return { ...view, member: event.data };
	}
}

/** A host may be down and up again before anything is drawn: who draws later still sees that it was. */
function withOutages(before: HostState, now: HostState): HostState {
	return { ...now, outages: (before.outages ?? 0) + (before.state === "up" && now.state !== "up" ? 1 : 0) };
}

function withSession(view: View, session: Session): View {
	const ended = session.state === "ended";
	const stale = view.notice?.kind === "expires-soon" && session.expiresAt > view.notice.expiresAt;
	return {
		session,
		revised: view.revised && session.state !== "resetting",
		passing: view.passing,
		member: view.member,
		// The diagram of a network that is being replaced would be wrong, not old.
		network: session.state === "resetting" || session.id !== view.session?.id ? null : view.network,
		progress: ended || (session.state === "ready" && view.progress?.what === "reset") ? null : view.progress,
		notice: stale || (session.state === "ready" && view.notice?.kind === "ended") ? null : view.notice,
	};
}

function withNotice(view: View, notice: Notice): View {
	if (notice.kind === "slowed" || notice.kind === "storage" || notice.kind === "stored")
		return { ...view, passing: notice };
	const over = notice.kind !== "expires-soon";
	const session = view.session;
	return {
		...view,
		notice,
		progress: over ? null : view.progress,
		session: session && {
			...session,
			expiresAt: notice.kind === "expires-soon" ? notice.expiresAt : session.expiresAt,
			state: over ? "ended" : session.state,
		},
	};
}

function change(view: View, part: (session: Session) => Partial<Session>): View {
	return view.session ? { ...view, session: { ...view.session, ...part(view.session) } } : view;
}

/** Without what a session that is over has said in another language: nobody says it again. */
export function untold(view: View): View {
	if (view.session?.state !== "ended") return view;
	return change(view, ({ steps }) => ({
		steps: steps.map((s) => ({ ...s, checks: [], hints: [], solution: null, predictions: {} })),
	}));
}

/** Replaces the item with the same id, or adds it. */
function put<T extends StepState | Terminal>(items: T[], item: T): T[] {
	return items.some((i) => i.id === item.id) ? items.map((i) => (i.id === item.id ? item : i)) : [...items, item];
}

/** A step without a state yet: nobody has looked. */
export function blankStep(id: string): StepState {
	return {
		id,
		passed: false,
		passedAt: null,
		holds: null,
		hintsUsed: 0,
		hints: [],
		moreHints: false,
		solutionRevealed: false,
		solution: null,
		checkedAt: null,
		attempts: 0,
		answers: {},
		predictions: {},
		checks: [],
	};
}
