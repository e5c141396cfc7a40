/** The teacher's terminal, shown to the class: beside the learner's own, and put away at will. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Membership, Broadcast as Shown } from "../api/classes";
import { broadcastURL } from "../api/classes";
import { catalogue } from "../i18n/catalogue";
import { theme } from "../state/prefs";
import { TerminalLink } from "../terminal/link";
import { Screen } from "../terminal/screen";
import { Cross, Eye } from "../ui/icons";
import { IconButton } from "../ui/Tools";

const text = catalogue(
	{
		shows: (by: string, host: string) => `${by} is showing a terminal of ${host}`,
		look: "Look",
		away: "Hide it",
		label: (by: string) => `The terminal of ${by}, to be read`,
		much: "Too much output to read out.",
		lost: "The connection is lost. Trying again.",
	},
	{
		shows: (by, host) => `${by} 님이 ${host}의 터미널을 보여 주고 있습니다`,
		look: "보기",
		away: "닫기",
		label: (by) => `${by} 님의 터미널(읽기 전용)`,
		much: "출력이 너무 많아 모두 읽지 않습니다.",
		lost: "연결이 끊겼습니다. 다시 연결하고 있습니다.",
	},
);

export function Broadcast({ value, broadcast }: { value: Membership; broadcast: Shown }) {
	const t = text();
	// A new one comes into sight by itself; one that was put away stays away.
	const [away, setAway] = useState("");
	const open = away !== broadcast.at;
	return (
		<>
			<button
				type="button"
				class="quiet"
				aria-expanded={open}
				data-testid="broadcast-toggle"
				onClick={() => setAway(open ? broadcast.at : "")}
			>
				<Eye />
				{t.shows(broadcast.by, broadcast.host)}
			</button>
			{open && (
				<section class="broadcast" aria-label={t.shows(broadcast.by, broadcast.host)} data-testid="broadcast">
					<header>
						<p>{t.shows(broadcast.by, broadcast.host)}</p>
						<IconButton label={t.away} onClick={() => setAway(broadcast.at)}>
							<Cross />
						</IconButton>
					</header>
					<Live key={`${value.class} ${broadcast.at}`} id={value.class} by={broadcast.by} />
				</section>
			)}
		</>
	);
}

function Live({ id, by }: { id: string; by: string }) {
	const t = text();
	const place = useRef<HTMLDivElement>(null);
	const [screen, setScreen] = useState<Screen | null>(null);
	const [lost, setLost] = useState(false);
	useEffect(() => {
		const made = new Screen({ data: () => {}, size: () => {} }, 80, 24);
		made.setInput(false);
		made.follow(80, 24);
		made.attach(place.current);
		const link = new TerminalLink(
			{ url: () => broadcastURL(id), viewer: `broadcast-${Math.random().toString(36).slice(2)}` },
			{
				state: (state) => setLost(state.kind === "lost"),
				hello: (hello) => made.follow(hello.cols, hello.rows),
				output: (data, parsed) => made.write(data, parsed),
				resync: () => made.clear(),
				exit: () => {},
				size: (cols, rows) => made.follow(cols, rows),
				writer: () => {},
				asked: () => {},
				refused: () => {},
				stuck: () => {},
			},
		);
		setScreen(made);
		return () => {
			link.close();
			made.dispose();
		};
	}, [id]);
	const scheme = theme.value;
	useEffect(() => screen?.setStyle(12, false), [screen, scheme]);
	useEffect(() => screen?.setLabel(t.label(by), t.much), [screen, t, by]);
	return (
		<>
			<div ref={place} class="broadcast-screen" />
			{lost && <p class="broadcast-lost">{t.lost}</p>}
		</>
	);
}
