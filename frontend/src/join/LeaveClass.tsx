/** The way out of a class, with a word on what goes with it. */
import { useState } from "preact/hooks";
import { leaveClass } from "../api/classes";
import { catalogue } from "../i18n/catalogue";
import type { Asks } from "../teach/asks";
import { Confirm } from "../ui/Dialog";

const text = catalogue(
	{
		leave: "Leave the class",
		ask: "Leave the class?",
		text: "Your name, recordings and everything that this class has of you are deleted. This cannot be undone.",
	},
	{
		leave: "수업에서 나가기",
		ask: "수업에서 나가시겠습니까?",
		text: "이름과 녹화를 비롯해 이 수업에 남은 자료가 모두 삭제되며 되돌릴 수 없습니다.",
	},
);

interface Props {
	id: string;
	asks: Asks;
	/** The button's look. */
	look?: string;
	onLeft: () => void;
}

export function LeaveClass({ id, asks, look, onLeft }: Props) {
	const t = text();
	const [asking, setAsking] = useState(false);
	return (
		<>
			<button type="button" class={look} data-testid="leave-class" onClick={() => setAsking(true)}>
				{t.leave}
			</button>
			{asking && (
				<Confirm
					title={t.ask}
					action={t.leave}
					onClose={() => setAsking(false)}
					onConfirm={() => void asks.run("leave", () => leaveClass(id), onLeft)}
				>
					<p>{t.text}</p>
				</Confirm>
			)}
		</>
	);
}
