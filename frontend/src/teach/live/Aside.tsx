/** Beside the grid: raised hands, who needs help and why, and what was said to the class. */
import { useComputed } from "@preact/signals";
import type { Hand, Help } from "../../api/classes";
import { claimHand, dismissHelp, lowerHand, stopBroadcast } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { useClock } from "../../lab/clock";
import { Cross } from "../../ui/icons";
import { IconButton } from "../../ui/Tools";
import { learnerPath } from "../paths";
import { HandMark } from "./marks";
import type { ClassStore } from "./store";
import { ago } from "./words";

const text = catalogue(
	{
		aside: "Who needs help",
		hands: "Raised hands",
		noHands: "No hand is raised.",
		claim: "I'll help",
		claimed: (name: string) => `${name} is on it`,
		done: "Done",
		help: "Could use help",
		noHelp: "Nobody is stuck, as far as can be seen.",
		dismiss: (name: string) => `Dismiss ${name} until something changes`,
		step: (n: number, title: string) => `Step ${n}, ${title}`,
		faults: "Injected faults",
		repaired: (n: number, of: number) => `${n} of ${of} have repaired it`,
		broadcast: (host: string) => `The class sees the terminal of ${host}.`,
		stop: "Stop showing it",
		messages: "Messages",
		write: "Write a message",
		toAll: "to all",
		toStep: (title: string) => `to all at “${title}”`,
		to: (name: string) => `to ${name}`,
	},
	{
		aside: "도움이 필요한 학습자",
		hands: "손 든 학습자",
		noHands: "손을 든 사람이 없습니다.",
		claim: "제가 맡겠습니다",
		claimed: (name) => `${name} 님이 맡음`,
		done: "해결",
		help: "도움이 필요해 보이는 학습자",
		noHelp: "지금은 막힌 사람이 없어 보입니다.",
		dismiss: (name) => `${name} 님을 변화가 있을 때까지 목록에서 빼기`,
		step: (n, title) => `${n}단계, ${title}`,
		faults: "일으킨 장애",
		repaired: (n, of) => `${of}명 중 ${n}명이 고침`,
		broadcast: (host) => `${host}의 터미널을 모두에게 보여 주고 있습니다.`,
		stop: "그만 보여 주기",
		messages: "메시지",
		write: "메시지 쓰기",
		toAll: "모두에게",
		toStep: (title) => `“${title}” 단계에 있는 모두에게`,
		to: (name) => `${name} 님에게`,
	},
);

interface Props {
	store: ClassStore;
	canEdit: boolean;
	onMessage: () => void;
}

export function Aside({ store, canEdit, onMessage }: Props) {
	const t = text();
	const board = useComputed(() => store.grid.value?.board).value;
	const messages = useComputed(() => store.grid.value?.messages).value ?? [];
	if (!board) return null;
	const help = board.help.filter((one) => one.reason !== "hand");
	return (
		<aside class="live-aside" aria-label={t.aside}>
			{board.broadcast && (
				<section class="aside-part">
					<p>{t.broadcast(board.broadcast.host)}</p>
					{canEdit && (
						<button type="button" onClick={() => void store.asks.run("broadcast", () => stopBroadcast(store.id))}>
							{t.stop}
						</button>
					)}
				</section>
			)}
			<section class="aside-part" aria-labelledby="hands-title" data-testid="hands">
				<h2 id="hands-title">
					<HandMark />
					{t.hands} {board.hands.length > 0 && <span class="count">{board.hands.length}</span>}
				</h2>
				{board.hands.length === 0 && <p class="aside-none">{t.noHands}</p>}
				<ul>
					{board.hands.map((hand) => (
						<HandCard key={hand.member} store={store} hand={hand} canEdit={canEdit} />
					))}
				</ul>
			</section>
			<section class="aside-part" aria-labelledby="help-title" data-testid="help">
				<h2 id="help-title">
					{t.help} {help.length > 0 && <span class="count">{help.length}</span>}
				</h2>
				{help.length === 0 && <p class="aside-none">{t.noHelp}</p>}
				<ul>
					{help.slice(0, 30).map((one) => (
						<HelpCard key={one.member} store={store} help={one} canEdit={canEdit} />
					))}
				</ul>
			</section>
			{board.faults.length > 0 && (
				<section class="aside-part" aria-labelledby="faults-title" data-testid="faults">
					<h2 id="faults-title">{t.faults}</h2>
					<ul>
						{board.faults.map((fault) => {
							const fixed = fault.members.filter((one) => one.repairedAt).length;
							return (
								<li key={fault.id} class="aside-card">
									<p>{fault.title}</p>
									<p class="label">{t.repaired(fixed, fault.members.length)}</p>
									<progress max={Math.max(1, fault.members.length)} value={fixed} aria-label={fault.title} />
									<p class="aside-who">
										{fault.members.map((one) => (
											<span key={one.member} data-fixed={one.repairedAt ? "" : undefined} title={one.error}>
												{one.repairedAt ? "✓ " : ""}
												{store.nameOf(one.member)}
											</span>
										))}
									</p>
								</li>
							);
						})}
					</ul>
				</section>
			)}
			<section class="aside-part" aria-labelledby="messages-title">
				<h2 id="messages-title">{t.messages}</h2>
				{canEdit && (
					<p>
						<button type="button" data-testid="write-message" onClick={onMessage}>
							{t.write}
						</button>
					</p>
				)}
				<ul class="aside-messages">
					{[...messages]
						.reverse()
						.slice(0, 10)
						.map((message) => (
							<li key={message.id}>
								<p class="label">
									{message.from} {whom(store, message.to)}
								</p>
								<p>{message.text}</p>
							</li>
						))}
				</ul>
			</section>
		</aside>
	);
}

function whom(store: ClassStore, to: { member?: string; lab?: string; step?: string }): string {
	const t = text();
	if (to.member) return t.to(store.nameOf(to.member));
	if (to.step) return t.toStep(stepOf(store, to.lab ?? "", to.step)?.title ?? to.step);
	return t.toAll;
}

function stepOf(store: ClassStore, lab: string, step: string): { n: number; title: string } | null {
	const steps = store.grid.value?.class.catalog.find((one) => one.name === lab)?.steps ?? [];
	const at = steps.findIndex((one) => one.id === step);
	return at < 0 ? null : { n: at + 1, title: steps[at]?.title ?? "" };
}

function Where({ store, lab, step, at }: { store: ClassStore; lab: string; step: string; at: string }) {
	const now = useClock(20_000).value;
	const where = stepOf(store, lab, step);
	return (
		<p class="label">
			{where && <>{text().step(where.n, where.title)} · </>}
			{ago(at, now)}
		</p>
	);
}

function HandCard({ store, hand, canEdit }: { store: ClassStore; hand: Hand; canEdit: boolean }) {
	const t = text();
	const { member } = hand;
	return (
		<li class="aside-card hand" data-claimed={hand.claimedBy ? "" : undefined} data-testid="hand">
			<p class="aside-name">
				<a href={learnerPath(store.id, member)}>{store.nameOf(member)}</a>
			</p>
			{hand.text && <p class="aside-said">{hand.text}</p>}
			<Where store={store} lab={hand.lab} step={hand.step} at={hand.at} />
			<p class="aside-acts">
				{hand.claimedBy ? (
					<span class="label">{t.claimed(hand.claimedBy)}</span>
				) : (
					canEdit && (
						<button
							type="button"
							data-testid="claim"
							onClick={() => void store.asks.run(`claim:${member}`, () => claimHand(store.id, member))}
						>
							{t.claim}
						</button>
					)
				)}
				{canEdit && (
					<button
						type="button"
						data-testid="hand-done"
						onClick={() => void store.asks.run(`done:${member}`, () => lowerHand(store.id, member))}
					>
						{t.done}
					</button>
				)}
			</p>
		</li>
	);
}

function HelpCard({ store, help, canEdit }: { store: ClassStore; help: Help; canEdit: boolean }) {
	const t = text();
	const name = store.nameOf(help.member);
	return (
		<li class="aside-card" data-reason={help.reason} data-testid="help-card">
			<p class="aside-name">
				<a href={learnerPath(store.id, help.member)}>{name}</a>
				<span class="grow" />
				{canEdit && (
					<IconButton
						label={t.dismiss(name)}
						onClick={() => void store.asks.run(`dismiss:${help.member}`, () => dismissHelp(store.id, help.member))}
					>
						<Cross />
					</IconButton>
				)}
			</p>
			<p>{help.text}</p>
			<Where store={store} lab={help.lab} step={help.step} at={help.since} />
		</li>
	);
}
