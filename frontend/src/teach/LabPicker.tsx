/** Chooses labs of the course, and puts them into an order. */
import { useRef } from "preact/hooks";
import type { Course, CourseLab } from "../api/types";
import { catalogue } from "../i18n/catalogue";
import { announce } from "../state/announce";
import { Cross } from "../ui/icons";
import { IconButton } from "../ui/Tools";

const text = catalogue(
	{
		chosen: "In the class",
		none: "None yet",
		all: "Labs of the course",
		minutes: (n: number) => `${n} min`,
		sum: (n: number) => `about ${n} minutes in all`,
		up: (lab: string) => `Move ${lab} up`,
		down: (lab: string) => `Move ${lab} down`,
		remove: (lab: string) => `Take ${lab} out`,
		moved: (lab: string, n: number) => `${lab} is number ${n} now.`,
	},
	{
		chosen: "수업에 넣은 실습",
		none: "아직 없음",
		all: "과정의 실습",
		minutes: (n) => `${n}분`,
		sum: (n) => `모두 합쳐 약 ${n}분`,
		up: (lab) => `${lab} 위로 옮기기`,
		down: (lab) => `${lab} 아래로 옮기기`,
		remove: (lab) => `${lab} 빼기`,
		moved: (lab, n) => `${lab} 실습이 ${n}번째가 되었습니다.`,
	},
);

interface Props {
	course: Course;
	chosen: string[];
	onChange: (labs: string[]) => void;
}

export function LabPicker({ course, chosen, onChange }: Props) {
	const t = text();
	const list = useRef<HTMLOListElement>(null);
	const labs = new Map(course.chapters.flatMap((chapter) => chapter.labs).map((lab) => [lab.name, lab]));
	const toggle = (name: string, on: boolean) =>
		onChange(on ? [...chosen, name] : chosen.filter((other) => other !== name));
	const move = (from: number, to: number) => {
		const next = [...chosen];
		const [one] = next.splice(from, 1);
		if (one === undefined || to < 0 || to >= chosen.length) return;
		next.splice(to, 0, one);
		onChange(next);
		announce(t.moved(labs.get(one)?.title ?? one, to + 1));
		// The same button of the lab that has moved.
		requestAnimationFrame(() => {
			const buttons = list.current?.children[to]?.querySelectorAll("button");
			(to > from ? buttons?.[1] : buttons?.[0])?.focus();
		});
	};
	const minutes = chosen.reduce((sum, name) => sum + (labs.get(name)?.minutes ?? 0), 0);
	return (
		<div class="picker">
			<div>
				<h3 class="label">{t.all}</h3>
				{course.chapters.map((chapter) => (
					<fieldset key={chapter.id} class="picker-chapter">
						<legend>{chapter.title}</legend>
						{chapter.labs.map((lab) => (
							<LabOption key={lab.name} lab={lab} checked={chosen.includes(lab.name)} onChange={toggle} />
						))}
					</fieldset>
				))}
			</div>
			<div>
				<h3 class="label">{t.chosen}</h3>
				{chosen.length === 0 ? (
					<p class="picker-none">{t.none}</p>
				) : (
					<>
						<ol class="picker-order" ref={list}>
							{chosen.map((name, i) => {
								const title = labs.get(name)?.title ?? name;
								return (
									<li key={name} data-testid={`chosen-${name}`}>
										<span class="picker-number">{i + 1}</span>
										<span>{title}</span>
										<span class="grow" />
										<IconButton label={t.up(title)} disabled={i === 0} onClick={() => move(i, i - 1)}>
											<Vertical d="M8 12.5v-9M4.5 7 8 3.5 11.5 7" />
										</IconButton>
										<IconButton label={t.down(title)} disabled={i === chosen.length - 1} onClick={() => move(i, i + 1)}>
											<Vertical d="M8 3.5v9M4.5 9 8 12.5 11.5 9" />
										</IconButton>
										<IconButton label={t.remove(title)} onClick={() => toggle(name, false)}>
											<Cross />
										</IconButton>
									</li>
								);
							})}
						</ol>
						<p class="label">{t.sum(minutes)}</p>
					</>
				)}
			</div>
		</div>
	);
}

function LabOption(props: { lab: CourseLab; checked: boolean; onChange: (name: string, on: boolean) => void }) {
	const { lab } = props;
	return (
		<label class="option">
			<input
				type="checkbox"
				checked={props.checked}
				data-testid={`lab-${lab.name}`}
				onChange={(event) => props.onChange(lab.name, event.currentTarget.checked)}
			/>
			<span>
				{lab.title} <span class="label">{text().minutes(lab.minutes)}</span>
			</span>
		</label>
	);
}

function Vertical({ d }: { d: string }) {
	return (
		<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
			<path d={d} />
		</svg>
	);
}
