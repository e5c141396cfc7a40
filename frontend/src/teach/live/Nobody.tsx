import { catalogue } from "../../i18n/catalogue";

const text = catalogue(
	{ nobody: "Nobody has joined yet. Show the join code on the beamer." },
	{ nobody: "아직 참여한 사람이 없습니다. 참여 코드를 화면에 띄워 보여 주십시오." },
);

/** In the place of learners. */
export function Nobody() {
	return <p class="board-empty">{text().nobody}</p>;
}
