/** The frame of a page where one comes in: a teacher by a password, a learner by a code. */
import type { ComponentChildren } from "preact";
import { Tools } from "../ui/Tools";
import { TopBar } from "../ui/TopBar";
import type { Asks } from "./asks";

export function Door({ children }: { children: ComponentChildren }) {
	return (
		<div class="page">
			<TopBar>
				<Tools />
			</TopBar>
			<main class="door">{children}</main>
		</div>
	);
}

/** Why one did not get in. */
export function Wrong({ asks }: { asks: Asks }) {
	const problem = asks.problem.value;
	return problem === null ? null : (
		<p class="door-problem" role="alert">
			{problem}
		</p>
	);
}
