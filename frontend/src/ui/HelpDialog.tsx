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
		pane: "Next pane, previous pane; also out of a terminal",
		step: "Next step, previous step (in the lesson)",
		check: "Check the current step (in the lesson)",
		separator: "Move a separator that has the focus; Enter brings it back",
		help: "This help",
		single: "Single-key shortcuts",
		singleText: "They work while the focus is outside terminals and text fields.",
	},
	{
		title: "도움말",
		how: "사용 방법",
		howText:
			"호스트는 모두 나만 쓰는 진짜 리눅스 컴퓨터입니다. 터미널에 직접 입력하거나, 본문의 명령에 있는 실행 단추를 누릅니다. 서버가 네트워크를 직접 살펴보다가, 단계의 조건이 모두 충족되면 바로 통과로 처리합니다. 한번 통과한 단계는 계속 통과로 남습니다.",
		keys: "키보드",
		pane: "다음 영역, 이전 영역으로 이동 (터미널에서도)",
		step: "다음 단계, 이전 단계 (본문에서)",
		check: "지금 단계 확인 (본문에서)",
		separator: "초점이 놓인 경계선 옮기기, Enter로 되돌리기",
		help: "이 도움말 열기",
		single: "한 글자 단축키 사용",
		singleText: "터미널이나 입력란 밖에 초점이 있을 때 동작합니다.",
	},
);

export function HelpDialog({ onClose }: { onClose: () => void }) {
	const t = text();
	const keys: Array<[ComponentChildren, string]> = [
		[<Keys key="f6" all={["F6"]} also={["Shift", "F6"]} />, t.pane],
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
