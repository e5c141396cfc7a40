/** Breaks something in everybody's network on purpose: what the lab's author has prepared. */
import { useState } from "preact/hooks";
import { injectFault } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { announce } from "../../state/announce";
import { Dialog } from "../../ui/Dialog";
import { Problem } from "../Frame";
import type { ClassStore } from "./store";

const text = catalogue(
	{
		title: "Break something",
		intro: (lab: string) =>
			`In the network of everybody who has “${lab}” open. They are told that something broke, not what; the page shows who has repaired it.`,
		none: (lab: string) => `The author of “${lab}” has prepared no faults.`,
		inject: "Break it now",
		done: (n: number) => (n === 1 ? "Broken in 1 network." : `Broken in ${n} networks.`),
	},
	{
		title: "장애 일으키기",
		intro: (lab) =>
			`“${lab}” 실습을 연 모두의 네트워크에 장애를 일으킵니다. 학습자는 무엇인가 고장 났다는 것만 알게 되고, 누가 고쳤는지는 이 화면에 나타납니다.`,
		none: (lab) => `“${lab}” 실습에는 준비된 장애가 없습니다.`,
		inject: "지금 일으키기",
		done: (n) => `네트워크 ${n}개에 장애를 일으켰습니다.`,
	},
);

export function Faults({ store, onClose }: { store: ClassStore; onClose: () => void }) {
	const t = text();
	const lab = store.lab.value;
	const [chosen, setChosen] = useState("");
	if (!lab) return null;
	const submit = (event: Event) => {
		event.preventDefault();
		void store.asks.run(
			"fault",
			() => injectFault(store.id, lab.name, chosen),
			(made) => {
				announce(t.done(made.members.length));
				onClose();
			},
		);
	};
	return (
		<Dialog title={t.title} onClose={onClose}>
			<Problem asks={store.asks} />
			{lab.faults.length === 0 ? (
				<p>{t.none(lab.title)}</p>
			) : (
				<form class="form" onSubmit={submit}>
					<p>{t.intro(lab.title)}</p>
					<fieldset class="choices-plain">
						<legend class="offscreen">{t.title}</legend>
						{lab.faults.map((fault) => (
							<label key={fault.id} class="option">
								<input
									type="radio"
									name="fault"
									required
									checked={chosen === fault.id}
									data-testid={`fault-${fault.id}`}
									onChange={() => setChosen(fault.id)}
								/>
								<span>{fault.title}</span>
							</label>
						))}
					</fieldset>
					<div class="dialog-foot">
						<button
							type="submit"
							class="primary"
							data-testid="inject"
							aria-busy={store.asks.pending.value.has("fault")}
						>
							{t.inject}
						</button>
					</div>
				</form>
			)}
		</Dialog>
	);
}
