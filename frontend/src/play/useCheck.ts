/** The server's word on the text, as it is typed. */
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import type { NetworkState, Topology, TopologyCheck, TopologyProblem } from "../api/types";
import { language } from "../state/prefs";
import { checkTopology } from "./api";
import { text } from "./text";

/** Typing goes on: no need to ask yet. */
const pause = 250;
/** The server was asked too often, or cannot be reached. */
const again = 2000;

export interface Checked {
	/** good and wrong are of the text as it is now. */
	kind: "checking" | "good" | "wrong" | "unreached";
	problems: TopologyProblem[];
	/** The last network that could be drawn. */
	drawn: { topology: Topology; state: NetworkState } | null;
	/** It is of an earlier text. */
	stale: boolean;
}

export function useCheck(value: string, max: number): Checked {
	const [checked, setChecked] = useState<Checked>({ kind: "checking", problems: [], drawn: null, stale: false });
	const lang = language.value;
	useEffect(() => {
		if (max === 0) return;
		if (value.length > max) {
			setChecked(({ drawn }) => ({ kind: "wrong", problems: [tooLong(value.length, max)], drawn, stale: true }));
			return;
		}
		/** A newer text is on its way: what is said of this one is nobody's. */
		let over = false;
		let timer: ReturnType<typeof setTimeout>;
		const ask = async () => {
			try {
				const answer = await checkTopology(value);
				if (!over) setChecked((before) => after(before, answer));
			} catch (error) {
				if (!(error instanceof ApiError)) throw error;
				if (over) return;
				setChecked((before) => ({ ...before, kind: "unreached", problems: [] }));
				timer = setTimeout(() => void ask(), again);
			}
		};
		setChecked((before) => ({ ...before, kind: "checking" }));
		timer = setTimeout(() => void ask(), pause);
		return () => {
			clearTimeout(timer);
			over = true;
		};
	}, [value, max, lang]);
	return checked;
}

function after(before: Checked, { topology, state, problems }: TopologyCheck): Checked {
	if (topology && state) return { kind: "good", problems: [], drawn: { topology, state }, stale: false };
	return { kind: "wrong", problems, drawn: before.drawn, stale: true };
}

function tooLong(length: number, max: number): TopologyProblem {
	const t = text();
	return { line: 0, column: 0, message: t.tooLong(length), remedy: t.tooLongRemedy(max) };
}
