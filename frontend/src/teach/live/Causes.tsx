/** The map of why: which check fails for which cause, and for how many. */
import { useComputed } from "@preact/signals";
import type { Cause } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { learnerPath } from "../paths";
import type { ClassStore } from "./store";

const text = catalogue(
	{
		title: "What fails, and for which cause",
		none: "Nobody fails a check of this lab at the moment.",
		step: (n: number, title: string) => `Step ${n}: ${title}`,
		learners: (n: number) => (n === 1 ? "1 learner" : `${n} learners`),
		of: "of those in the class",
	},
	{
		title: "무엇이 왜 실패하는지",
		none: "지금 이 실습의 확인 항목에서 실패한 사람이 없습니다.",
		step: (n, title) => `${n}단계: ${title}`,
		learners: (n) => `${n}명`,
		of: "전체 학습자 가운데",
	},
);

export function Causes({ store }: { store: ClassStore }) {
	const t = text();
	const lab = store.lab.value;
	const all = useComputed(() => store.grid.value?.board.causes).value ?? [];
	const joined = useComputed(() => store.grid.value?.board.joined ?? 0).value;
	if (!lab) return null;
	const here = all.filter((cause) => cause.lab === lab.name);
	const groups = lab.steps.flatMap((step, i) => {
		const causes = here.filter((cause) => cause.step === step.id);
		return causes.length === 0 ? [] : [{ step, number: i + 1, causes }];
	});
	return (
		<section class="causes" aria-labelledby="causes-title" data-testid="causes">
			<h2 id="causes-title" class="label">
				{t.title}
			</h2>
			{groups.length === 0 && <p class="board-empty">{t.none}</p>}
			{groups.map(({ step, number, causes }) => (
				<section key={step.id} class="cause-step" aria-labelledby={`cause-${step.id}`}>
					<h3 id={`cause-${step.id}`}>{t.step(number, step.title)}</h3>
					{byCheck(causes).map(([check, some]) => (
						<div key={check} class="cause-check">
							<p class="cause-expected">{step.checks[check]?.expected ?? some[0]?.kind}</p>
							<ul>
								{some.map((cause) => (
									<li key={cause.reason} class="cause">
										<p class="cause-count">
											<b>{cause.members.length}</b>
											<span class="offscreen">{t.learners(cause.members.length)}</span>
										</p>
										<div>
											<span class="cause-bar" aria-hidden="true">
												<i style={{ width: `${(100 * cause.members.length) / Math.max(1, joined)}%` }} />
											</span>
											<p>{cause.why || step.checks[check]?.expected}</p>
											<p class="cause-who">
												{cause.members.map((member) => (
													<a key={member} href={learnerPath(store.id, member)}>
														{store.nameOf(member)}
													</a>
												))}
											</p>
										</div>
									</li>
								))}
							</ul>
						</div>
					))}
				</section>
			))}
		</section>
	);
}

/** The causes of each check, the check that most fail at first. */
function byCheck(causes: Cause[]): [number, Cause[]][] {
	const groups = new Map<number, Cause[]>();
	for (const cause of causes) groups.set(cause.check, [...(groups.get(cause.check) ?? []), cause]);
	return [...groups];
}
