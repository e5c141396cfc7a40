/** What a teacher can do for one learner. */
import { useState } from "preact/hooks";
import type { Row } from "../../api/classes";
import {
	catchMemberUp,
	claimHand,
	endMember,
	extendMember,
	lowerHand,
	resetMember,
	returnKeyboard,
} from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { announce } from "../../state/announce";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Menu } from "../../ui/Menu";
import { Compose } from "../live/Compose";
import type { ClassStore } from "../live/store";

const text = catalogue(
	{
		message: "Message",
		more: "For this learner",
		reset: "Reset the lab",
		resetAsk: (name: string) => `Reset the lab of ${name}?`,
		resetText: "All hosts go back to the beginning: what was made by hand is gone. Passed steps stay passed.",
		extend: "Extend the session",
		extended: "The session lasts longer now.",
		catchUp: "Catch up to a step…",
		catchUpTitle: (name: string) => `Catch ${name} up`,
		catchUpText: "The solutions of the steps before are run in the learner's network. They count as caught up.",
		toStep: "To the step",
		step: (n: number, title: string) => `${n}. ${title}`,
		go: "Catch up",
		end: "End the session",
		endAsk: (name: string) => `End the session of ${name}?`,
		endText: "The network goes away. The progress is kept, and the lab can be opened again.",
		handBack: "Give the keyboard back",
		hand: (text: string) => (text ? `Hand: ${text}` : "Hand raised"),
		claim: "I'll help",
		claimed: (name: string) => `${name} is on it`,
		done: "Done",
	},
	{
		message: "메시지",
		more: "이 학습자",
		reset: "실습 초기화",
		resetAsk: (name) => `${name} 님의 실습을 초기화하시겠습니까?`,
		resetText: "모든 호스트가 처음 상태로 돌아가 직접 만든 것은 사라집니다. 통과한 단계는 그대로 남습니다.",
		extend: "세션 시간 늘리기",
		extended: "세션 시간을 늘렸습니다.",
		catchUp: "단계까지 따라잡게 하기…",
		catchUpTitle: (name) => `${name} 님이 따라잡게 하기`,
		catchUpText: "앞 단계들의 풀이를 학습자의 네트워크에서 실행합니다. 그 단계는 따라잡은 것으로 기록됩니다.",
		toStep: "여기까지",
		step: (n, title) => `${n}. ${title}`,
		go: "따라잡게 하기",
		end: "세션 끝내기",
		endAsk: (name) => `${name} 님의 세션을 끝내시겠습니까?`,
		endText: "네트워크가 사라집니다. 진행 상황은 남아 있으며 실습을 다시 열 수 있습니다.",
		handBack: "입력 권한 돌려주기",
		hand: (text) => (text ? `손 듦: ${text}` : "손을 들었습니다"),
		claim: "제가 맡겠습니다",
		claimed: (name) => `${name} 님이 맡음`,
		done: "해결",
	},
);

type Open = "message" | "reset" | "end" | "catch-up" | null;

export function Acts({ room, row }: { room: ClassStore; row: Row }) {
	const t = text();
	const [open, setOpen] = useState<Open>(null);
	const { member, hand } = row;
	const { id, asks } = room;
	const name = room.nameOf(member);
	const close = () => setOpen(null);
	const live = row.session !== "";
	return (
		<>
			{hand && (
				<span class="watch-hand" data-testid="watch-hand">
					<span class="watch-hand-text" title={hand.text}>
						{t.hand(hand.text)}
					</span>
					{hand.claimedBy ? (
						<span class="label">{t.claimed(hand.claimedBy)}</span>
					) : (
						<button type="button" onClick={() => void asks.run("claim", () => claimHand(id, member))}>
							{t.claim}
						</button>
					)}
					<button
						type="button"
						data-testid="hand-done"
						onClick={() => void asks.run("done", () => lowerHand(id, member))}
					>
						{t.done}
					</button>
				</span>
			)}
			{row.keyboard === "granted" && (
				<button
					type="button"
					data-testid="hand-back"
					onClick={() => void asks.run("keyboard", () => returnKeyboard(id, member))}
				>
					{t.handBack}
				</button>
			)}
			<button type="button" data-testid="message-learner" onClick={() => setOpen("message")}>
				{t.message}
			</button>
			<Menu
				class="quiet"
				testid="learner"
				label={t.more}
				items={[
					{ key: "reset", label: t.reset, disabled: !live, onPick: () => setOpen("reset") },
					{ key: "catch-up", label: t.catchUp, disabled: !live, onPick: () => setOpen("catch-up") },
					{
						key: "extend",
						label: t.extend,
						disabled: !live,
						onPick: () =>
							void asks.run(
								"extend",
								() => extendMember(id, member),
								() => announce(t.extended),
							),
					},
					{ key: "end", label: t.end, disabled: !live, onPick: () => setOpen("end") },
				]}
			/>
			{open === "message" && <Compose store={room} member={member} onClose={close} />}
			{open === "reset" && (
				<Confirm
					title={t.resetAsk(name)}
					action={t.reset}
					onClose={close}
					onConfirm={() => void asks.run("reset", () => resetMember(id, member))}
				>
					<p>{t.resetText}</p>
				</Confirm>
			)}
			{open === "end" && (
				<Confirm
					title={t.endAsk(name)}
					action={t.end}
					onClose={close}
					onConfirm={() => void asks.run("end", () => endMember(id, member))}
				>
					<p>{t.endText}</p>
				</Confirm>
			)}
			{open === "catch-up" && <CatchUp room={room} row={row} name={name} onClose={close} />}
		</>
	);
}

function CatchUp({ room, row, name, onClose }: { room: ClassStore; row: Row; name: string; onClose: () => void }) {
	const t = text();
	const steps = room.grid.value?.class.catalog.find((lab) => lab.name === row.lab)?.steps ?? [];
	const [step, setStep] = useState(row.step || steps.at(-1)?.id || "");
	return (
		<Dialog title={t.catchUpTitle(name)} onClose={onClose}>
			<form
				class="form"
				onSubmit={(event) => {
					event.preventDefault();
					onClose();
					void room.asks.run("catch-up", () => catchMemberUp(room.id, row.member, step));
				}}
			>
				<p>{t.catchUpText}</p>
				<p class="field">
					<label for="catch-up-step">{t.toStep}</label>
					<select id="catch-up-step" value={step} onChange={(event) => setStep(event.currentTarget.value)}>
						{steps.map((one, i) => (
							<option key={one.id} value={one.id}>
								{t.step(i + 1, one.title)}
							</option>
						))}
					</select>
				</p>
				<div class="dialog-foot">
					<button type="submit" class="primary" data-testid="catch-up-now">
						{t.go}
					</button>
				</div>
			</form>
		</Dialog>
	);
}
