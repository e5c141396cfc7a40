/** Words that several parts of a class's page share: states, presence, times. */
import type { Cell, Presence } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";

export const text = catalogue(
	{
		none: "not started",
		trying: "trying",
		failed: (n: number) => (n === 1 ? "failed once" : `failed ${n} times`),
		passed: "passed",
		caughtUp: "caught up by the solution",
		broken: "passed, no longer holds",
		hints: (n: number) => (n === 1 ? "1 hint used" : `${n} hints used`),
		revealed: "solution revealed",
		took: (time: string) => `in ${time}`,
		since: (time: string) => `for ${time}`,
		typing: "typing",
		here: "page open",
		away: "page closed, session alive",
		off: "not here",
		never: "has not joined yet",
		moment: "just now",
		minutesAgo: (n: number) => `${n} min ago`,
		hoursAgo: (n: number) => `${n} h ago`,
		daysAgo: (n: number) => (n === 1 ? "yesterday" : `${n} days ago`),
	},
	{
		none: "시작 전",
		trying: "시도하는 중",
		failed: (n) => `${n}번 실패`,
		passed: "통과",
		caughtUp: "풀이로 따라잡음",
		broken: "통과했으나 지금은 미충족",
		hints: (n) => `힌트 ${n}개 봄`,
		revealed: "풀이를 봄",
		took: (time) => `${time} 걸림`,
		since: (time) => `${time}째`,
		typing: "입력하는 중",
		here: "화면을 열어 둠",
		away: "화면은 닫았고 세션은 살아 있음",
		off: "자리에 없음",
		never: "아직 참여하지 않음",
		moment: "방금",
		minutesAgo: (n) => `${n}분 전`,
		hoursAgo: (n) => `${n}시간 전`,
		daysAgo: (n) => (n === 1 ? "어제" : `${n}일 전`),
	},
);

/** How a cell is drawn: one of these shapes each. */
export type Shape = "none" | "trying" | "failed" | "passed" | "caught-up" | "broken";

export function shapeOf(cell: Cell): Shape {
	if (cell.state !== "passed") return cell.state;
	if (cell.holds === false) return "broken";
	return cell.caughtUp ? "caught-up" : "passed";
}

/** All that a cell shows, in words. */
export function cellInWords(cell: Cell, time: string): string {
	const t = text();
	const shape = shapeOf(cell);
	const state = {
		none: t.none,
		trying: t.trying,
		failed: t.failed(Math.max(1, cell.fails ?? 1)),
		passed: t.passed,
		"caught-up": t.caughtUp,
		broken: t.broken,
	}[shape];
	const parts = [state];
	if (cell.state === "passed" && cell.fails) parts.push(t.failed(cell.fails));
	if (cell.hints) parts.push(t.hints(cell.hints));
	if (cell.revealed) parts.push(t.revealed);
	if (time) parts.push(cell.state === "passed" ? t.took(time) : t.since(time));
	return parts.join(", ");
}

export function presenceWord(presence: Presence, joined: boolean): string {
	return joined ? text()[presence] : text().never;
}

export function ago(at: string | null, now: number): string {
	if (!at) return "";
	const t = text();
	const minutes = Math.floor((now - Date.parse(at)) / 60_000);
	if (minutes < 1) return t.moment;
	if (minutes < 60) return t.minutesAgo(minutes);
	if (minutes < 24 * 60) return t.hoursAgo(Math.floor(minutes / 60));
	return t.daysAgo(Math.floor(minutes / (24 * 60)));
}
