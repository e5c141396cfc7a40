/** Below the editor: that all is well, or what is wrong, where, and what to do. */
import { text } from "./text";
import type { Checked } from "./useCheck";

interface Props {
	checked: Checked;
	onGo: (line: number, column: number) => void;
}

export function Problems({ checked: { kind, problems, drawn }, onGo }: Props) {
	const t = text();
	const nodes = drawn?.topology.nodes ?? [];
	const hosts = nodes.filter((node) => node.kind === "host").length;
	const sentence = {
		checking: problems.length > 0 ? t.problems(problems.length) : t.checking,
		good: t.good(hosts, nodes.length - hosts, drawn?.topology.links.length ?? 0),
		wrong: t.problems(problems.length),
		unreached: t.unchecked,
	}[kind];
	return (
		<div class="play-problems" data-kind={kind} data-testid="play-status">
			<p id="play-status" role="status">
				<i class={kind === "good" ? "light on" : "light"} aria-hidden="true" />
				{sentence}
			</p>
			{problems.length > 0 && (
				<ol>
					{problems.map((problem, i) => (
						<li key={i}>
							{problem.line > 0 && (
								<button
									type="button"
									class="link"
									aria-label={`${t.place(problem.line, problem.column)}. ${t.goTo(problem.line)}`}
									onClick={() => onGo(problem.line, problem.column)}
								>
									{t.place(problem.line, problem.column)}
								</button>
							)}
							<span>
								{problem.message}.{" "}
								<span class="remedy">
									{problem.remedy &&
										`${problem.remedy.replace(/[.?]$/, "")}${problem.remedy.endsWith("?") ? "?" : "."}`}
								</span>
							</span>
						</li>
					))}
				</ol>
			)}
		</div>
	);
}
