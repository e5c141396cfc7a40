/** How long a session still lasts, in words and as something that ticks. */
import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { serverNow } from "../api/client";
import { catalogue } from "../i18n/catalogue";

const text = catalogue(
	{
		moment: "less than a minute",
		minutes: (n: number) => `${n}\u00a0min`,
		hours: (h: number, m: number) => (m === 0 ? `${h}\u00a0h` : `${h}\u00a0h ${m}\u00a0min`),
	},
	{
		moment: "1분 미만",
		minutes: (n) => `${n}분`,
		hours: (h, m) => (m === 0 ? `${h}시간` : `${h}시간 ${m}분`),
	},
);

/** Below this the page shows the time as a warning. */
export const soon = 5 * 60_000;

export function duration(ms: number): string {
	const t = text();
	const minutes = Math.floor(ms / 60_000);
	if (minutes < 1) return t.moment;
	return minutes < 60 ? t.minutes(minutes) : t.hours(Math.floor(minutes / 60), minutes % 60);
}

/** The server's time, renewed often enough for minutes. */
export function useClock(every = 5_000): ReadonlySignal<number> {
	const [now] = useState(() => signal(serverNow()));
	useEffect(() => {
		const tick = () => {
			now.value = serverNow();
		};
		tick();
		const timer = setInterval(tick, every);
		return () => clearInterval(timer);
	}, [now, every]);
	return now;
}

/** True once the condition has been true without a break for so long: what flickers is not worth a banner. */
export function useLasting(condition: boolean, ms: number): boolean {
	const [lasting, setLasting] = useState(false);
	useEffect(() => {
		if (!condition) {
			setLasting(false);
			return;
		}
		const timer = setTimeout(() => setLasting(true), ms);
		return () => clearTimeout(timer);
	}, [condition, ms]);
	return condition && lasting;
}
