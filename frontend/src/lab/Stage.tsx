/** What stands where network and terminals will be, as long as there are none. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { catalogue } from "../i18n/catalogue";
import { announce } from "../state/announce";
import { inLanguage } from "../state/prefs";
import { offlineText } from "../ui/ErrorPage";
import { Again } from "../ui/icons";
import { duration } from "./clock";
import type { LabStore } from "./store";

const text = catalogue(
	{
		building: "Building your network…",
		resetting: "Putting everything back to the beginning…",
		full: "All places are taken",
		nextInLine: "You are next in line.",
		place: (n: number) => `There are ${n - 1} before you in the queue.`,
		estimate: (time: string) => `It may take about ${time}.`,
		wait: "Leave this page open: the lab opens by itself. The lesson can be read in the meantime.",
		failed: "The lab could not be opened",
		retry: "Try again",
		ended: "The session has ended",
		kept: "Your progress is kept.",
		endedText: "You can open the lab again, with a fresh network.",
		catchUp: "“Catch up to here”, at the step where you were, then does again what came before it.",
		reopen: "Open the lab again",
	},
	{
		building: "네트워크를 만드는 중입니다…",
		resetting: "처음 상태로 되돌리는 중입니다…",
		full: "지금은 빈자리가 없습니다",
		nextInLine: "다음 차례입니다.",
		place: (n) => `앞에 ${n - 1}명이 기다리고 있습니다.`,
		estimate: (time) => `약 ${time} 걸릴 수 있습니다.`,
		wait: "이 화면을 열어 두면 차례가 왔을 때 실습이 자동으로 열립니다. 그동안 본문을 읽을 수 있습니다.",
		failed: "실습을 열지 못했습니다",
		retry: "다시 시도",
		ended: "세션이 끝났습니다",
		kept: "진행 상황은 그대로 남아 있습니다.",
		endedText: "실습을 다시 열면 새 네트워크에서 이어서 할 수 있습니다.",
		catchUp: "하던 단계에서 ‘여기까지 따라잡기’를 누르면 앞선 단계를 대신 실행해 드립니다.",
		reopen: "실습 다시 열기",
	},
);

export type Scene = "opening" | "resetting" | "queued" | "failed" | "ended";

/** What is to be seen instead of the panes; nothing while the session runs. */
export function sceneOf(store: LabStore): Scene | null {
	const phase = store.phase.value.kind;
	if (phase !== "open") return phase;
	const state = store.session.value?.state;
	if (state === "ready") return null;
	return state === "ended" || state === "resetting" ? state : "opening";
}

export function Stage({ store, scene }: { store: LabStore; scene: Scene }) {
	const t = text();
	const phase = store.phase.value;
	switch (scene) {
		case "opening":
		case "resetting":
			return (
				<Card scene={scene} title={scene === "opening" ? t.building : t.resetting}>
					<Pulse />
				</Card>
			);
		case "queued":
			if (phase.kind !== "queued") return null;
			return (
				<Card scene={scene} title={t.full}>
					<p role="status">
						{phase.place <= 1 ? t.nextInLine : t.place(phase.place)}{" "}
						{phase.estimateSeconds > 0 && t.estimate(duration(phase.estimateSeconds * 1000))}
					</p>
					<p>{t.wait}</p>
					<Pulse />
				</Card>
			);
		case "failed": {
			const error = phase.kind === "failed" ? phase.error : null;
			return (
				<Card scene={scene} title={t.failed}>
					<p>{!error || error.offline ? offlineText() : error.message}</p>
					<button type="button" class="primary" onClick={() => void store.open()}>
						<Again />
						{t.retry}
					</button>
				</Card>
			);
		}
		case "ended": {
			const notice = store.view.value.notice;
			return (
				<Card scene={scene} title={t.ended}>
					{/* The server's sentence says why it ended, and that the progress is kept. */}
					<p>{notice && notice.kind !== "expires-soon" ? inLanguage(notice.text, notice.texts) : t.kept}</p>
					<p>
						{t.endedText} {store.session.value?.steps.some((step) => step.passed) && t.catchUp}
					</p>
					<button type="button" class="primary" data-testid="reopen" onClick={() => void store.open()}>
						{t.reopen}
					</button>
				</Card>
			);
		}
	}
}

function Card({ scene, title, children }: { scene: Scene; title: string; children: ComponentChildren }) {
	useEffect(() => announce(title), [title]);
	return (
		<section class="stage" data-scene={scene} data-testid={`stage-${scene}`} aria-labelledby="stage-title">
			<div class="stage-card">
				<h2 id="stage-title">{title}</h2>
				{children}
			</div>
		</section>
	);
}

/** A cable with something on its way through it. */
function Pulse() {
	return (
		<span class="pulse" aria-hidden="true">
			<i />
		</span>
	);
}
