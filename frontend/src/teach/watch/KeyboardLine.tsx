/** Below a learner's terminal: that one only looks, and how to come to the keyboard. */

import type { Row } from "../../api/classes";
import { askKeyboard, returnKeyboard } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import type { ClassStore } from "../live/store";

export type Keyboard = Row["keyboard"];

const text = catalogue(
	{
		look: "You are only watching.",
		ask: "Ask for the keyboard",
		asked: (name: string) => `${name} is asked for the keyboard…`,
		withdraw: "Withdraw",
		granted: (name: string) => `${name} lets you type.`,
		take: "Take the keyboard",
		denied: (name: string) => `${name} would rather keep the keyboard.`,
		again: "Ask again",
	},
	{
		look: "보기만 합니다.",
		ask: "입력 허락 구하기",
		asked: (name) => `${name} 님에게 입력해도 되는지 묻고 있습니다…`,
		withdraw: "취소",
		granted: (name) => `${name} 님이 입력을 허락했습니다.`,
		take: "여기서 입력하기",
		denied: (name) => `${name} 님이 직접 하겠다고 했습니다.`,
		again: "다시 묻기",
	},
);

interface Props {
	room: ClassStore;
	member: string;
	take: () => void;
}

export function KeyboardLine({ room, member, take }: Props) {
	const t = text();
	const state = room.row(member)?.value.keyboard ?? "";
	const name = room.nameOf(member);
	const canEdit = room.grid.value?.class.canEdit ?? false;
	const ask = () => void room.asks.run("keyboard", () => askKeyboard(room.id, member));
	if (!canEdit) return <span>{t.look}</span>;
	switch (state) {
		case "asked":
			return (
				<>
					<span>{t.asked(name)}</span>
					<button type="button" onClick={() => void room.asks.run("keyboard", () => returnKeyboard(room.id, member))}>
						{t.withdraw}
					</button>
				</>
			);
		case "granted":
			return (
				<>
					<span>{t.granted(name)}</span>
					<button type="button" class="strong" data-testid="take-keyboard" onClick={take}>
						{t.take}
					</button>
				</>
			);
		default:
			return (
				<>
					<span>{state === "denied" ? t.denied(name) : t.look}</span>
					<button type="button" data-testid="ask-keyboard" onClick={ask}>
						{state === "denied" ? t.again : t.ask}
					</button>
				</>
			);
	}
}

KeyboardLine.sentence = (state: "granted" | "denied", name: string): string => text()[state](name);
