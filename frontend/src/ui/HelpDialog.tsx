/** What can be done by keyboard, and how the page works, in a few lines. */
import type { ComponentChildren } from "preact";
import { catalogue } from "../i18n/catalogue";
import { setSingleKeys, singleKeys } from "../state/prefs";
import { Dialog } from "./Dialog";

const text = catalogue(
	{
		title: "Help",
		how: "How it works",
		howText:
			"Each host is a real Linux machine of your own. Type into its terminal, or use the Run button of a command in the lesson. The server looks at the network itself: a step passes as soon as everything that it asks for is true. What has passed stays passed.",
		keys: "Keyboard",
		pane: "Next pane, previous pane",
		leave: "Leave the terminal",
		step: "Next step, previous step (in the lesson)",
		check: "Check the current step (in the lesson)",
		separator: "Move a separator that has the focus; Enter brings it back",
		help: "This help",
		single: "Shortcuts of a single key",
		singleText: "They work while the focus is outside the terminals and outside of text fields.",
	},
	{
		title: "도움말",
		how: "사용 방법",
		howText:
			"호스트는 저마다 나만의 진짜 리눅스 컴퓨터입니다. 터미널에 직접 입력하거나, 본문에 있는 명령의 실행 단추를 누릅니다. 서버가 네트워크를 직접 들여다보고, 단계가 요구하는 것이 모두 참이 되는 순간 그 단계를 통과합니다. 한번 통과한 단계는 계속 통과한 것으로 남습니다.",
		keys: "키보드",
		pane: "다음 영역, 이전 영역으로 이동",
		leave: "터미널에서 나가기",
		step: "다음 단계, 이전 단계 (본문에서)",
		check: "지금 단계 확인 (본문에서)",
		separator: "초점이 있는 경계선 옮기기, Enter는 원래대로",
		help: "이 도움말 열기",
		single: "글자 하나로 된 단축키 사용",
		singleText: "터미널이나 입력란 밖에 초점이 있을 때 동작합니다.",
	},
);

export function HelpDialog({ onClose }: { onClose: () => void }) {
	const t = text();
	const keys: Array<[ComponentChildren, string]> = [
		[<Keys key="f6" all={["F6"]} also={["Shift", "F6"]} />, t.pane],
		[<Keys key="leave" all={["F6"]} />, t.leave],
		[<Keys key="step" all={["n"]} also={["p"]} />, t.step],
		[<Keys key="check" all={["c"]} />, t.check],
		[<Keys key="separator" all={["← → ↑ ↓"]} />, t.separator],
		[<Keys key="help" all={["?"]} />, t.help],
	];
	return (
		<Dialog title={t.title} onClose={onClose} wide>
			<div class="prose">
				<h3>{t.how}</h3>
				<p>{t.howText}</p>
				<h3>{t.keys}</h3>
				<dl class="keys">
					{keys.map(([key, what]) => (
						<div key={what}>
							<dt>{key}</dt>
							<dd>{what}</dd>
						</div>
					))}
				</dl>
				<label class="option">
					<input type="checkbox" checked={singleKeys.value} onChange={(e) => setSingleKeys(e.currentTarget.checked)} />
					<span>
						{t.single}
						<small>{t.singleText}</small>
					</span>
				</label>
			</div>
		</Dialog>
	);
}

function Keys({ all, also }: { all: string[]; also?: string[] }) {
	return (
		<>
			<Chord keys={all} />
			{also && (
				<>
					<span class="aside">, </span>
					<Chord keys={also} />
				</>
			)}
		</>
	);
}

function Chord({ keys }: { keys: string[] }) {
	return (
		<span class="chord">
			{keys.map((key) => (
				<kbd key={key}>{key}</kbd>
			))}
		</span>
	);
}
