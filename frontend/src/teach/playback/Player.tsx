/** Plays a recorded terminal, with the network beside it as it was at that moment. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Recording } from "../../api/classes";
import { getCast, getRecordingStates } from "../../api/classes";
import type { NetworkState, Topology } from "../../api/types";
import { Diagram } from "../../diagram/Diagram";
import { catalogue } from "../../i18n/catalogue";
import { language, theme } from "../../state/prefs";
import { Screen } from "../../terminal/screen";
import { Pause, Play } from "../../ui/icons";
import { Asks } from "../asks";
import { Problem } from "../Frame";
import { stopwatch } from "../live/board";
import { advance, type Cast, countUntil, parseCast } from "./cast";

const text = catalogue(
	{
		play: "Play",
		pause: "Pause",
		place: "Place in the recording",
		at: (now: string, of: string) => `${now} of ${of}`,
		speed: "Speed",
		marks: "Passed checks and steps",
		screen: "The recorded terminal",
		much: "Too much output to read out.",
		broken: "This recording cannot be read.",
		loading: "Loading the recording…",
	},
	{
		play: "재생",
		pause: "멈춤",
		place: "재생 위치",
		at: (now, of) => `${of} 중 ${now}`,
		speed: "속도",
		marks: "통과한 확인 항목과 단계",
		screen: "녹화된 터미널",
		much: "출력이 너무 많아 모두 읽지 않습니다.",
		broken: "이 녹화를 읽을 수 없습니다.",
		loading: "녹화를 불러오는 중입니다…",
	},
);

const speeds = [1, 2, 4, 8];

interface Props {
	id: string;
	recording: Recording;
	topology: Topology | undefined;
}

export function Player({ id, recording, topology }: Props) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const [cast, setCast] = useState<Cast | null | undefined>(undefined);
	const [states, setStates] = useState<{ at: number; state: NetworkState }[]>([]);
	useEffect(() => {
		void asks.run(
			"cast",
			() => getCast(id, recording.id),
			(words) => setCast(parseCast(words)),
		);
		void asks.run("states", () => getRecordingStates(id, recording.id), setStates);
	}, [asks, id, recording.id]);
	if (cast === null) return <p role="alert">{t.broken}</p>;
	return (
		<>
			<Problem asks={asks} />
			{cast === undefined ? (
				<p class="label">{t.loading}</p>
			) : (
				<Playing cast={cast} states={states} topology={topology} marks={recording.marks} />
			)}
		</>
	);
}

interface PlayingProps {
	cast: Cast;
	states: { at: number; state: NetworkState }[];
	topology: Topology | undefined;
	marks: Recording["marks"];
}

function Playing({ cast, states, topology, marks }: PlayingProps) {
	const t = text();
	const place = useRef<HTMLDivElement>(null);
	const [at, setAt] = useState(0);
	const [playing, setPlaying] = useState(false);
	const [speed, setSpeed] = useState(1);
	const screen = useScreen(place, cast, at);
	useEffect(() => {
		if (!playing) return;
		let last = performance.now();
		const timer = setInterval(() => {
			const now = performance.now();
			const seconds = (now - last) / 1000;
			last = now;
			setAt((before) => advance(cast, before, seconds, speed));
		}, 50);
		return () => clearInterval(timer);
	}, [playing, speed, cast]);
	useEffect(() => {
		if (at >= cast.length) setPlaying(false);
	}, [at, cast]);
	const scheme = theme.value;
	useEffect(() => screen?.setStyle(14, false), [screen, scheme]);
	useEffect(() => screen?.setLabel(t.screen, t.much), [screen, t]);
	const state = states[Math.max(0, countUntil(states, at) - 1)]?.state ?? null;
	const toggle = () => {
		if (at >= cast.length) setAt(0);
		setPlaying(!playing);
	};
	return (
		<div class="player" data-testid="player">
			<div class="player-panes">
				<div class="player-screen">
					<div ref={place} />
				</div>
				{topology && (
					<div class="player-network">
						<Diagram topology={topology} state={state} hosts={[]} language={language.value} still onHost={() => {}} />
					</div>
				)}
			</div>
			<div class="player-bar">
				<button type="button" class="primary" data-testid="play" onClick={toggle}>
					{playing ? <Pause /> : <Play />}
					{playing ? t.pause : t.play}
				</button>
				<span class="player-time">{t.at(stopwatch(at), stopwatch(cast.length))}</span>
				<div class="player-slider">
					<input
						type="range"
						min={0}
						max={Math.max(0.1, cast.length)}
						step={0.1}
						value={at}
						aria-label={t.place}
						aria-valuetext={t.at(stopwatch(at), stopwatch(cast.length))}
						onInput={(event) => setAt(Number(event.currentTarget.value))}
					/>
					{marks.map((mark) => (
						<i key={`${mark.at} ${mark.label}`} style={{ left: `${(100 * mark.at) / Math.max(0.1, cast.length)}%` }} />
					))}
				</div>
				<label class="player-speed">
					<span class="offscreen">{t.speed}</span>
					<select value={String(speed)} onChange={(event) => setSpeed(Number(event.currentTarget.value))}>
						{speeds.map((n) => (
							<option key={n} value={String(n)}>
								{n}×
							</option>
						))}
					</select>
				</label>
			</div>
			{marks.length > 0 && (
				<section aria-labelledby="marks-title">
					<h2 id="marks-title" class="label">
						{t.marks}
					</h2>
					<ol class="player-marks">
						{marks.map((mark) => (
							<li key={`${mark.at} ${mark.label}`}>
								<button type="button" class="link" onClick={() => setAt(mark.at)}>
									{stopwatch(mark.at)}
								</button>{" "}
								{mark.label}
							</li>
						))}
					</ol>
				</section>
			)}
		</div>
	);
}

/** A screen that shows what was printed until a time. Backwards there is only one way: from the beginning. */
function useScreen(place: { current: HTMLDivElement | null }, cast: Cast, at: number): Screen | null {
	const [screen, setScreen] = useState<Screen | null>(null);
	const shown = useRef(0);
	useEffect(() => {
		const made = new Screen({ data: () => {}, size: () => {} }, cast.cols, cast.rows);
		made.setInput(false);
		made.follow(cast.cols, cast.rows);
		made.attach(place.current);
		shown.current = 0;
		setScreen(made);
		return () => made.dispose();
	}, [cast, place]);
	useEffect(() => {
		if (!screen) return;
		const until = countUntil(cast.events, at);
		if (until < shown.current) {
			screen.clear();
			screen.follow(cast.cols, cast.rows);
			shown.current = 0;
		}
		let pending = "";
		const write = () => {
			if (pending) screen.write(new TextEncoder().encode(pending), () => {});
			pending = "";
		};
		for (const event of cast.events.slice(shown.current, until)) {
			if (event.kind === "output") pending += event.text;
			else if (event.kind === "size") {
				write();
				screen.follow(event.cols, event.rows);
			}
		}
		write();
		shown.current = until;
	}, [screen, cast, at]);
	return screen;
}
