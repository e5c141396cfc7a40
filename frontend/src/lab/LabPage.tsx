/** A lab: the lesson, the network as it is now, and the terminals, side by side. */
import "../styles/lab.css";
import { useComputed } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { catalogue } from "../i18n/catalogue";
import { MissingPage } from "../ui/ErrorPage";
import { lazy } from "../ui/lazy";
import { usePageTitle } from "../ui/title";
import { Banners } from "./Banners";
import { focusPane, listenToKeys } from "./keys";
import { LabBar, PaneSwitch, paneName } from "./LabBar";
import type { LessonPane } from "./LessonPane";
import { narrow, type Pane, solo } from "./layout";
import { Panes } from "./Panes";
import { TerminalPane } from "./parts";
import { LabStore, type Source } from "./store";

const text = catalogue(
	{
		skipLesson: "Skip to the lesson",
		skipTerminals: "Skip to the terminals",
	},
	{
		skipLesson: "본문으로 건너뛰기",
		skipTerminals: "터미널로 건너뛰기",
	},
);

/** Only of those who learn in a class. */
const ClassBar = lazy(() => import("../join/ClassBar").then((module) => module.ClassBar));

// With this file, not with its first page: the overview fetches it ahead of the click.
TerminalPane.preload();

interface Props {
	name: string;
	/** What the playground has in their places. */
	source?: () => Source;
	Lesson?: typeof LessonPane;
}

export function LabPage({ name, source, Lesson }: Props) {
	const [store] = useState(() => new LabStore(name, source?.()));
	const member = useComputed(() => store.view.value.member !== null);
	useEffect(() => {
		// Once more, if it did not come then.
		TerminalPane.preload();
		return () => store.dispose();
	}, [store]);
	useEffect(
		() => listenToKeys({ check: () => store.current.peek() && void store.check(store.current.peek()) }),
		[store],
	);
	usePageTitle(store.lab.value?.title);

	if (store.labError.value?.status === 404 && !store.lab.value) return <MissingPage />;

	const t = text();
	const one = narrow.value;
	return (
		<div class="lab" data-testid="lab-page" data-lab={name} data-narrow={one ? "" : undefined}>
			<Skip to="lesson" label={t.skipLesson} />
			<Skip to="terminals" label={t.skipTerminals} />
			<LabBar store={store} />
			<div>
				<Banners store={store} />
				{member.value && <ClassBar store={store} />}
			</div>
			<Panes store={store} Lesson={Lesson} />
			{one && (
				<nav class="bottom" aria-label={paneName(solo.value)}>
					<PaneSwitch />
				</nav>
			)}
		</div>
	);
}

function Skip({ to, label }: { to: Pane; label: string }) {
	return (
		<a
			class="skip"
			href={`#${to}`}
			onClick={(event) => {
				event.preventDefault();
				focusPane(to);
			}}
		>
			{label}
		</a>
	);
}
