/** Shows one of the teacher's own terminals to the class. */
import { useEffect, useState } from "preact/hooks";
import { startBroadcast } from "../../api/classes";
import { getCourse, openSession } from "../../api/client";
import type { Session } from "../../api/types";
import { catalogue } from "../../i18n/catalogue";
import { labPath } from "../../router";
import { Dialog } from "../../ui/Dialog";
import { Problem } from "../Frame";
import type { ClassStore } from "./store";

const text = catalogue(
	{
		title: "Show a terminal to the class",
		intro:
			"Learners see it beside their own, live, and can hide it. Choose a terminal of a lab that you have open yourself.",
		open: (lab: string) => `Open ${lab} in a tab`,
		noTerminal: "There is none yet. Open a lab, then look again.",
		look: "Look again",
		shell: (lab: string, host: string, n: number) => `${lab}: ${host}${n > 1 ? ` ${n}` : ""}`,
		show: "Show it",
	},
	{
		title: "터미널 보여 주기",
		intro: "학습자는 자기 터미널 옆에서 실시간으로 보고, 닫을 수도 있습니다. 직접 열어 둔 실습의 터미널을 고르십시오.",
		open: (lab) => `${lab} 실습을 새 탭에서 열기`,
		noTerminal: "아직 없습니다. 실습을 연 다음 다시 확인하십시오.",
		look: "다시 확인",
		shell: (lab, host, n) => `${lab}: ${host}${n > 1 ? ` ${n}` : ""}`,
		show: "보여 주기",
	},
);

interface Own {
	title: string;
	session: Session;
}

/** The sessions that this browser has open as a learner, of the class's labs. */
async function ownSessions(labs: readonly string[]): Promise<Own[]> {
	const course = await getCourse();
	const open = course.chapters
		.flatMap((chapter) => chapter.labs)
		.filter((lab) => lab.session && labs.includes(lab.name));
	return Promise.all(open.map(async (lab) => ({ title: lab.title, session: await openSession(lab.name) })));
}

export function ShowTerminal({ store, onClose }: { store: ClassStore; onClose: () => void }) {
	const t = text();
	const labs = store.grid.value?.class.catalog ?? [];
	const [own, setOwn] = useState<Own[] | null>(null);
	const [chosen, setChosen] = useState("");
	const look = () => void store.asks.run("own", () => ownSessions(labs.map((lab) => lab.name)), setOwn);
	useEffect(look, []);
	const terminals = (own ?? []).flatMap(({ title, session }) =>
		session.terminals
			.filter((terminal) => !terminal.exited)
			.map((terminal, i, all) => ({
				id: terminal.id,
				session: session.id,
				label: t.shell(
					title,
					terminal.host,
					all.slice(0, i + 1).filter((other) => other.host === terminal.host).length,
				),
			})),
	);
	const submit = (event: Event) => {
		event.preventDefault();
		const terminal = terminals.find((one) => one.id === chosen);
		if (terminal)
			void store.asks.run("broadcast", () => startBroadcast(store.id, terminal.session, terminal.id), onClose);
	};
	return (
		<Dialog title={t.title} onClose={onClose}>
			<Problem asks={store.asks} />
			<form class="form" onSubmit={submit}>
				<p>{t.intro}</p>
				<fieldset class="choices-plain">
					<legend class="offscreen">{t.title}</legend>
					{terminals.map((terminal) => (
						<label key={terminal.id} class="option">
							<input
								type="radio"
								name="terminal"
								required
								checked={chosen === terminal.id}
								onChange={() => setChosen(terminal.id)}
							/>
							<span>{terminal.label}</span>
						</label>
					))}
				</fieldset>
				{own && terminals.length === 0 && <p>{t.noTerminal}</p>}
				<p class="link-list">
					{labs.map((lab) => (
						<a key={lab.name} href={labPath(lab.name)} target="_blank" rel="noopener">
							{t.open(lab.title)}
						</a>
					))}
				</p>
				<div class="dialog-foot">
					<button type="button" onClick={look} aria-busy={store.asks.pending.value.has("own")}>
						{t.look}
					</button>
					<button type="submit" class="primary" data-testid="show-terminal" disabled={terminals.length === 0}>
						{t.show}
					</button>
				</div>
			</form>
		</Dialog>
	);
}
