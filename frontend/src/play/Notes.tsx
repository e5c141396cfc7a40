/** In the lesson's place: what can be tried in the network that runs. */
import { useCallback, useEffect, useRef } from "preact/hooks";
import { enhanceRunBlocks, type RunActions } from "../lab/runblocks";
import type { LabStore } from "../lab/store";
import { playPath } from "../router";
import { Html } from "../ui/Html";
import { Arrow, Left } from "../ui/icons";
import { Ask } from "./Ask";
import { text } from "./text";

export function Notes({ store, actions }: { store: LabStore; actions: RunActions }) {
	const t = text();
	const lab = store.lab.value;
	useSessionsLab(store);
	const enhance = useCallback((root: HTMLElement) => enhanceRunBlocks(root, actions), [actions]);
	return (
		<article class="lesson play-notes" aria-busy={!lab}>
			<header class="lesson-head">
				<h1>{lab?.title ?? t.title}</h1>
				<p class="lesson-summary">{lab?.summary}</p>
			</header>
			<Ask store={store} />
			{lab && <Html class="prose intro" html={lab.intro} enhance={enhance} />}
			<nav class="lesson-next" aria-label={t.title}>
				<a class="resume faint" href={playPath}>
					<strong>{t.edit}</strong>
					<Arrow />
				</a>
				<a class="previous" href="/">
					<Left />
					{t.course}
				</a>
			</nav>
		</article>
	);
}

/** Opened again after its end, the playground may have another network: another tab has started it. */
function useSessionsLab(store: LabStore): void {
	const id = store.session.value?.id;
	const last = useRef(id);
	useEffect(() => {
		if (last.current && id && last.current !== id) store.retryLab();
		last.current = id ?? last.current;
	}, [store, id]);
}
