/** The recordings of a class: which there are, and one being played. */
import { useEffect, useState } from "preact/hooks";
import type { Class, ClassStep, Recording } from "../../api/classes";
import { deleteRecording, getClass, getRecordings, recordingURL } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { language } from "../../state/prefs";
import { Confirm } from "../../ui/Dialog";
import { MissingPage } from "../../ui/ErrorPage";
import { Play } from "../../ui/icons";
import { Asks } from "../asks";
import { Frame } from "../Frame";
import { stopwatch } from "../live/board";
import { classPath, recordingsPath } from "../paths";
import { Player } from "./Player";

const text = catalogue(
	{
		title: "Recordings",
		none: "Nothing has been recorded yet. A recording begins when a learner opens a terminal.",
		off: "Terminals of this class are not recorded. The settings of the class say so to those who join.",
		learner: "Learner",
		lab: "Lab",
		host: "Terminal",
		when: "Began",
		length: "Length",
		size: "Size",
		live: "being recorded",
		cut: "cut off, was too long",
		play: (name: string, host: string) => `Play ${name}, ${host}`,
		download: "Download",
		delete: "Delete",
		deleteAsk: "Delete the recording?",
		deleteText: "It is gone for good.",
		kilobytes: (n: number) => `${n} KB`,
	},
	{
		title: "녹화",
		none: "아직 녹화된 것이 없습니다. 학습자가 터미널을 열면 녹화가 시작됩니다.",
		off: "이 수업에서는 터미널을 녹화하지 않습니다. 녹화하려면 수업 설정에서 켜며, 참여하는 사람에게 알립니다.",
		learner: "학습자",
		lab: "실습",
		host: "터미널",
		when: "시작",
		length: "길이",
		size: "크기",
		live: "녹화하는 중",
		cut: "너무 길어 중간에 끊김",
		play: (name, host) => `${name}, ${host} 재생`,
		download: "내려받기",
		delete: "삭제",
		deleteAsk: "녹화를 삭제하시겠습니까?",
		deleteText: "되돌릴 수 없습니다.",
		kilobytes: (n) => `${n}KB`,
	},
);

/** A mark names a step, or a check of it, by what the lab's file calls them: "up", "up: link#2". */
function inWords(label: string, steps: ClassStep[]): string {
	const [id, check = ""] = label.split(": ");
	const at = steps.findIndex((step) => step.id === id);
	if (at < 0) return label;
	const step = `${at + 1}. ${steps[at]?.title}`;
	return check ? `${step} (${check.replace("#", " ")})` : step;
}

export function Recordings({ id, recording }: { id: string; recording: string }) {
	const t = text();
	const lang = language.value;
	const [asks] = useState(() => new Asks());
	const [value, setValue] = useState<Class | null>(null);
	const [all, setAll] = useState<Recording[] | null>(null);
	const [deleting, setDeleting] = useState<Recording | null>(null);
	const reload = () => void asks.run("list", () => getRecordings(id), setAll);
	useEffect(() => {
		void asks.run("class", () => getClass(id), setValue);
		reload();
	}, [id, lang]);
	const title = (lab: string) => value?.catalog.find((one) => one.name === lab)?.title ?? lab;
	const steps = (lab: string) => value?.catalog.find((one) => one.name === lab)?.steps ?? [];
	if (recording) {
		const one = all?.find((r) => r.id === recording);
		if (all && !one) return <MissingPage />;
		return (
			<Frame
				wide
				title={one ? `${one.name} · ${title(one.lab)} · ${one.host}` : t.title}
				back={{ href: recordingsPath(id), label: t.title }}
				asks={asks}
				actions={
					<a class="button" href={recordingURL(id, recording, true)} download>
						{t.download}
					</a>
				}
			>
				{one && value && (
					<Player
						id={id}
						recording={{
							...one,
							marks: one.marks.map((mark) => ({ ...mark, label: inWords(mark.label, steps(one.lab)) })),
						}}
						topology={value.topologies[one.lab]}
					/>
				)}
			</Frame>
		);
	}
	return (
		<Frame wide title={t.title} back={{ href: classPath(id), label: value?.name ?? "" }} asks={asks}>
			{all?.length === 0 && <p>{value && !value.recording ? t.off : t.none}</p>}
			{all && all.length > 0 && (
				<table class="facts">
					<caption class="offscreen">{t.title}</caption>
					<thead>
						<tr>
							<th scope="col">{t.learner}</th>
							<th scope="col">{t.lab}</th>
							<th scope="col">{t.host}</th>
							<th scope="col">{t.when}</th>
							<th scope="col">{t.length}</th>
							<th scope="col">{t.size}</th>
							<td />
						</tr>
					</thead>
					<tbody>
						{all.map((one) => (
							<tr key={one.id}>
								<th scope="row">
									<a class="play-link" href={recordingsPath(id, one.id)} aria-label={t.play(one.name, one.host)}>
										<Play />
										{one.name}
									</a>
								</th>
								<td>{title(one.lab)}</td>
								<td class="mono">{one.host}</td>
								<td>{new Date(one.startedAt).toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" })}</td>
								<td>
									{stopwatch(one.seconds)}
									{one.live && <span class="label"> {t.live}</span>}
									{one.truncated && <span class="label"> {t.cut}</span>}
								</td>
								<td>{t.kilobytes(Math.ceil(one.bytes / 1024))}</td>
								<td class="facts-act">
									<a class="button" href={recordingURL(id, one.id, true)} download>
										{t.download}
									</a>{" "}
									{value?.canEdit && (
										<button type="button" disabled={one.live} onClick={() => setDeleting(one)}>
											{t.delete}
										</button>
									)}
								</td>
							</tr>
						))}
					</tbody>
				</table>
			)}
			{deleting && (
				<Confirm
					title={t.deleteAsk}
					action={t.delete}
					onClose={() => setDeleting(null)}
					onConfirm={() => void asks.run("delete", () => deleteRecording(id, deleting.id), reload)}
				>
					<p>{t.deleteText}</p>
				</Confirm>
			)}
		</Frame>
	);
}
