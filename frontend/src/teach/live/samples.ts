/** Learners of a class, for tests. */
import type { Row } from "../../api/classes";

export const row = (member: string, more: Partial<Row> = {}): Row => ({
	member,
	name: member,
	joined: true,
	presence: "here",
	lastInput: null,
	session: "",
	lab: "one",
	step: "",
	onStepSince: null,
	onStepSeconds: 0,
	cells: {},
	hand: null,
	watchers: [],
	keyboard: "",
	...more,
});
