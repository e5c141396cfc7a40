/** The lab page's top line: where the learner is, what the session can do, which panes are open. */
import { useState } from "preact/hooks";
import { catalogue } from "../i18n/catalogue";
import { Confirm } from "../ui/Dialog";
import { Again, Clock } from "../ui/icons";
import { Menu } from "../ui/Menu";
import { Tools } from "../ui/Tools";
import { TopBar } from "../ui/TopBar";
import { duration, soon, useClock } from "./clock";
import { layout, narrow, type Pane, panes, reveal, solo, toggle } from "./layout";
import type { LabStore } from "./store";

const text = catalogue(
	{
		steps: "Steps",
		step: (n: number, title: string) => `Step ${n}: ${title}`,
		passed: "passed",
		broken: "passed, no longer holds",
		sum: (n: number, of: number) => `${n} of ${of} steps passed`,
		left: (time: string) => `${time} left`,
		session: "Session",
		extend: "Extend the session",
		end: "End the session",
		endAsk: "End the session?",
		endText: "The network and everything in it go away. You can open the lab again at any time.",
		reset: "Reset",
		resetLong: "Reset the lab",
		resetAsk: "Reset the lab?",
		resetText:
			"All hosts go back to how they were at the beginning: addresses, routes and files that you made are gone.",
		kept: "Steps that you passed stay passed.",
		panes: "Panes",
		lesson: "Lesson",
		diagram: "Network",
		terminals: "Terminals",
	},
	{
		steps: "단계",
		step: (n, title) => `${n}단계: ${title}`,
		passed: "통과",
		broken: "통과, 지금은 미충족",
		sum: (n, of) => `${of}단계 중 ${n}단계 통과`,
		left: (time) => `${time} 남음`,
		session: "세션",
		extend: "세션 시간 늘리기",
		end: "세션 끝내기",
		endAsk: "세션을 끝내시겠습니까?",
		endText: "네트워크와 그 안에서 만든 것이 모두 사라집니다. 실습은 언제든 다시 열 수 있습니다.",
		reset: "초기화",
		resetLong: "실습 초기화",
		resetAsk: "실습을 초기화하시겠습니까?",
		resetText: "모든 호스트가 처음 상태로 돌아갑니다. 직접 만든 주소와 경로, 파일은 사라집니다.",
		kept: "이미 통과한 단계는 통과한 것으로 남습니다.",
		panes: "화면 영역",
		lesson: "본문",
		diagram: "네트워크",
		terminals: "터미널",
	},
);

export const paneName = (pane: Pane): string => text()[pane];

export function LabBar({ store }: { store: LabStore }) {
	const t = text();
	const [asking, setAsking] = useState<"reset" | "end" | null>(null);
	const lab = store.lab.value;
	const busy = store.pending.value.has("reset");
	// A playground has none, and nothing of it is kept.
	const steps = lab?.steps.length !== 0;
	return (
		<TopBar>
			<p class="bar-title" aria-hidden="true">
				{lab?.title}
			</p>
			<StepNav store={store} />
			<span class="grow" />
			{/* It comes with the session: beside the gap, where it moves nothing. */}
			<SessionMenu store={store} onEnd={() => setAsking("end")} />
			<button
				type="button"
				class="quiet"
				data-testid="reset"
				title={t.resetLong}
				aria-label={t.resetLong}
				aria-busy={busy}
				disabled={!store.usable.value || busy}
				onClick={() => setAsking("reset")}
			>
				<Again />
				<span class="bar-word">{t.reset}</span>
			</button>
			{!narrow.value && <PaneSwitch />}
			<Tools />
			{asking === "reset" && (
				<Confirm
					title={t.resetAsk}
					action={t.resetLong}
					onConfirm={() => void store.reset()}
					onClose={() => setAsking(null)}
				>
					<p>
						{t.resetText} {steps && t.kept}
					</p>
				</Confirm>
			)}
			{asking === "end" && (
				<Confirm title={t.endAsk} action={t.end} onConfirm={() => void store.end()} onClose={() => setAsking(null)}>
					<p>
						{t.endText} {steps && t.kept}
					</p>
				</Confirm>
			)}
		</TopBar>
	);
}

/** A port for each step: where one stands, and the way there. */
function StepNav({ store }: { store: LabStore }) {
	const t = text();
	const lab = store.lab.value;
	if (!lab?.steps.length) return null;
	const states = store.steps.value;
	const current = store.current.value;
	return (
		<nav class="step-nav" aria-label={t.steps}>
			<ol>
				{lab.steps.map((step, i) => {
					const state = states[i];
					const broken = state?.passed && state.holds === false;
					const what = broken ? t.broken : state?.passed ? t.passed : "";
					const name = t.step(i + 1, step.title) + (what && ` (${what})`);
					return (
						<li key={step.id}>
							<a
								href={`#${step.id}`}
								title={name}
								aria-current={step.id === current ? "step" : undefined}
								data-state={broken ? "broken" : state?.passed ? "passed" : step.id === current ? "current" : "open"}
								onClick={() => reveal("lesson")}
							>
								<i aria-hidden="true" />
								<span class="offscreen">{name}</span>
							</a>
						</li>
					);
				})}
			</ol>
			<span class="step-sum" data-testid="progress">
				<span aria-hidden="true">
					{store.passed.value}/{lab.steps.length}
				</span>
				<span class="offscreen">{t.sum(store.passed.value, lab.steps.length)}</span>
			</span>
		</nav>
	);
}

function SessionMenu({ store, onEnd }: { store: LabStore; onEnd: () => void }) {
	const t = text();
	const now = useClock();
	const session = store.session.value;
	if (!session || session.state === "ended") return null;
	const left = Date.parse(session.expiresAt) - now.value;
	return (
		<Menu
			class={left < soon ? "quiet soon" : "quiet"}
			testid="session"
			label={
				<>
					<Clock />
					<span>
						<span class="offscreen">{t.session}: </span>
						{t.left(duration(left))}
					</span>
				</>
			}
			items={[
				{ key: "extend", label: t.extend, disabled: !store.usable.value, onPick: () => void store.extend() },
				{ key: "end", label: t.end, onPick: onEnd },
			]}
		/>
	);
}

/** Which panes are open; where there is room for one, which it is. */
export function PaneSwitch() {
	const one = narrow.value;
	const { collapsed } = layout.value;
	return (
		// biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields
		<div class="switch" role="group" aria-label={text().panes}>
			{panes.map((pane) => (
				<button
					key={pane}
					type="button"
					data-testid={`pane-${pane}`}
					aria-pressed={one ? solo.value === pane : !collapsed.includes(pane)}
					onClick={() => (one ? reveal(pane) : toggle(pane))}
				>
					{paneName(pane)}
				</button>
			))}
		</div>
	);
}
