/** A message to the class, to all who are at one step, or to one learner. */
import { useState } from "preact/hooks";
import type { Message } from "../../api/classes";
import { sendMessage } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { announce } from "../../state/announce";
import { Dialog } from "../../ui/Dialog";
import { Problem } from "../Frame";
import type { ClassStore } from "./store";

const text = catalogue(
	{
		title: "Message",
		to: "To",
		all: "The whole class",
		step: (n: number, title: string, count: number) => `All at step ${n}, ${title} (${count})`,
		text: "Text",
		send: "Send",
		sent: (n: number) => (n === 1 ? "Sent to 1 learner." : `Sent to ${n} learners.`),
	},
	{
		title: "메시지",
		to: "받는 사람",
		all: "모두",
		step: (n, title, count) => `${n}단계 ${title}에 있는 모두 (${count}명)`,
		text: "내용",
		send: "보내기",
		sent: (n) => `${n}명에게 보냈습니다.`,
	},
);

interface Props {
	store: ClassStore;
	/** To this learner alone. */
	member?: string;
	onClose: () => void;
}

export function Compose({ store, member, onClose }: Props) {
	const t = text();
	const [words, setWords] = useState("");
	const [to, setTo] = useState("");
	const grid = store.grid.value;
	const lab = store.lab.value;
	const at = (step: string) => grid?.rows.filter((row) => row.lab === lab?.name && row.step === step).length ?? 0;
	const submit = (event: Event) => {
		event.preventDefault();
		const target: Message["to"] = member ? { member } : to && lab ? { lab: lab.name, step: to } : {};
		void store.asks.run(
			"message",
			() => sendMessage(store.id, words.trim(), target),
			(sent) => {
				announce(t.sent(sent.reached));
				onClose();
			},
		);
	};
	return (
		<Dialog title={member ? `${t.title}: ${store.nameOf(member)}` : t.title} onClose={onClose}>
			<Problem asks={store.asks} />
			<form class="form" onSubmit={submit}>
				{!member && (
					<p class="field">
						<label for="message-to">{t.to}</label>
						<select
							id="message-to"
							value={to}
							data-testid="message-to"
							onChange={(event) => setTo(event.currentTarget.value)}
						>
							<option value="">{t.all}</option>
							{lab?.steps.map((step, i) => (
								<option key={step.id} value={step.id}>
									{t.step(i + 1, step.title, at(step.id))}
								</option>
							))}
						</select>
					</p>
				)}
				<p class="field">
					<label for="message-text">{t.text}</label>
					<textarea
						id="message-text"
						rows={4}
						maxLength={1000}
						required
						value={words}
						data-testid="message-text"
						onInput={(event) => setWords(event.currentTarget.value)}
					/>
				</p>
				<div class="dialog-foot">
					<button
						type="submit"
						class="primary"
						data-testid="send-message"
						aria-busy={store.asks.pending.value.has("message")}
					>
						{t.send}
					</button>
				</div>
			</form>
		</Dialog>
	);
}
