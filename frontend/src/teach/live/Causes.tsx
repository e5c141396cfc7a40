/** The map of why: which check fails for which cause, and for how many. */
import { useComputed } from "@preact/signals";
import type { Cause } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { learnerPath } from "../paths";
import type { ClassStore } from "./store";

const text = catalogue(
	{
		title: "What failed, and for which cause",
		none: "Nobody has failed a check of this lab.",
		step: (n: number, title: string) => `Step ${n}: ${title}`,
		count: (n: number, stuck: number) =>
			`${n === 1 ? "1 learner" : `${n} learners`}, ${stuck === 0 ? "nobody any more" : stuck === n ? "still" : `${stuck} still`}`,
		still: (n: number) => (n === 0 ? "none now" : `${n} still`),
		times: (n: number) => `×${n}`,
		timesWords: (n: number) => (n === 1 ? "once" : `${n} times`),
		stuck: "still fails so",
		other: "fails otherwise now",
		passed: "has passed since",
	},
	{
		title: "무엇이 왜 실패했는지",
		none: "이 실습의 확인 항목에서 실패한 사람이 없습니다.",
		step: (n, title) => `${n}단계: ${title}`,
		count: (n, stuck) => `${n}명, ${stuck === 0 ? "지금은 없음" : `지금도 ${stuck}명`}`,
		still: (n) => (n === 0 ? "지금은 없음" : `지금 ${n}명`),
		times: (n) => `×${n}`,
		timesWords: (n) => `${n}번`,
		stuck: "지금도 실패",
		other: "지금은 다른 까닭으로 실패",
		passed: "그 뒤 통과",
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
							<p class="cause-expected">{some[0]?.expected || some[0]?.kind}</p>
							<ul>
								{some.map((cause) => (
									<li key={cause.reason} class="cause">
										<p class="cause-count">
											<b aria-hidden="true">{cause.who.length}</b>
											<span class="label" aria-hidden="true">
												{t.still(cause.stuck)}
											</span>
											<span class="offscreen">{t.count(cause.who.length, cause.stuck)}</span>
										</p>
										<div>
											<span class="cause-bar" aria-hidden="true">
												<i style={{ width: share(cause.stuck, joined) }} />
												<i class="over" style={{ width: share(cause.who.length - cause.stuck, joined) }} />
											</span>
											<p>{cause.why || cause.expected}</p>
											<p class="cause-who">
												{cause.who.map((one) => (
													<Who key={one.member} store={store} one={one} />
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

const share = (n: number, of: number): string => `${(100 * n) / Math.max(1, of)}%`;

function Who({ store, one }: { store: ClassStore; one: Cause["who"][number] }) {
	const t = text();
	const how = one.stuck ? "stuck" : one.passed ? "passed" : "other";
	const words = `${t.timesWords(one.times)}, ${t[how]}`;
	return (
		<a href={learnerPath(store.id, one.member)} data-how={how} title={words}>
			{how === "passed" && <span aria-hidden="true">✓ </span>}
			{store.nameOf(one.member)}
			{one.times > 1 && <span aria-hidden="true"> {t.times(one.times)}</span>}
			<span class="offscreen">, {words}</span>
		</a>
	);
}

/** The causes of each check, the check that most fail at first. */
function byCheck(causes: Cause[]): [number, Cause[]][] {
	const groups = new Map<number, Cause[]>();
	for (const cause of causes) groups.set(cause.check, [...(groups.get(cause.check) ?? []), cause]);
	return [...groups];
}
