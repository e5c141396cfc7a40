/** Everybody's network in small, drawn from the state that their own diagram shows. */
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ClassLab, Thumb } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { learnerPath } from "../paths";
import { PresenceMark } from "./marks";
import { Nobody } from "./Nobody";
import type { ClassStore } from "./store";
import { type Small, sketch } from "./thumb";

const text = catalogue(
	{
		title: "Networks",
		none: "no network",
		other: (lab: string) => `is in ${lab}`,
		words: (up: number, of: number, addresses: number, namespaces: number) =>
			`${up} of ${of} cables connected, ${addresses} ${addresses === 1 ? "address" : "addresses"}${namespaces > 0 ? `, ${namespaces} ${namespaces === 1 ? "namespace" : "namespaces"}` : ""}`,
	},
	{
		title: "네트워크",
		none: "네트워크 없음",
		other: (lab) => `${lab} 실습 중`,
		words: (up, of, addresses, namespaces) =>
			`케이블 ${of}개 중 ${up}개 연결, 주소 ${addresses}개${namespaces > 0 ? `, 네임스페이스 ${namespaces}개` : ""}`,
	},
);

/** Cards pass by while somebody scrolls: the page asks for those that stay, in milliseconds. */
const settle = 200;

const memberOf = (card: Element): string => (card as HTMLElement).dataset.member ?? "";

export function Networks({ store }: { store: ClassStore }) {
	const t = text();
	const order = store.order.value;
	const lab = store.lab.value;
	const list = useRef<HTMLUListElement>(null);
	const ready = lab !== null;
	// Only the networks that are on the screen come, or nearly: who scrolls on sees them at once.
	useEffect(() => {
		const seen = new Set<string>();
		let timer: ReturnType<typeof setTimeout> | undefined;
		const tell = () => {
			timer = undefined;
			if (seen.size === 0) return; // a list that is being looked at anew
			const cards = [...(list.current?.children ?? [])];
			store.onScreen.value = cards.map(memberOf).filter((member) => seen.has(member));
		};
		const observer = new IntersectionObserver(
			(entries) => {
				for (const { target, isIntersecting } of entries) {
					if (isIntersecting) seen.add(memberOf(target));
					else seen.delete(memberOf(target));
				}
				timer ??= setTimeout(tell, settle);
			},
			{ rootMargin: "240px" },
		);
		const watch = () => {
			observer.disconnect();
			seen.clear();
			for (const card of list.current?.children ?? []) observer.observe(card);
		};
		watch();
		// Learners come and go; where rows only move, the observer tells by itself.
		const changes = new MutationObserver(watch);
		if (list.current) changes.observe(list.current, { childList: true });
		return () => {
			clearTimeout(timer);
			observer.disconnect();
			changes.disconnect();
			store.onScreen.value = [];
		};
	}, [store, ready]);
	if (!lab) return null;
	return (
		<>
			{order.length === 0 && <Nobody />}
			<ul ref={list} class="networks" aria-label={t.title} data-testid="networks">
				{order.map((member) => (
					<Network key={member} store={store} lab={lab} member={member} />
				))}
			</ul>
		</>
	);
}

function Network({ store, lab, member }: { store: ClassStore; lab: ClassLab; member: string }) {
	const t = text();
	const row = store.row(member)?.value;
	const thumb = store.thumb(member).value;
	const topology = useComputed(() => store.grid.value?.class.topologies[lab.name]).value;
	if (!row) return null;
	const here = row.session !== "" && row.lab === lab.name;
	const other = store.grid.peek()?.class.catalog.find((one) => one.name === row.lab);
	return (
		<li class="network-card" data-member={member} data-help={store.help.value.has(member) ? "" : undefined}>
			<a href={learnerPath(store.id, member)}>
				<span class="network-name">
					<PresenceMark presence={row.presence} />
					<span>{store.nameOf(member)}</span>
				</span>
				{topology && here && thumb ? (
					<Picture small={sketch(topology, thumb)} thumb={thumb} />
				) : (
					<span class="network-none">{row.session && other && !here ? t.other(other.title) : t.none}</span>
				)}
			</a>
		</li>
	);
}

function Picture({ small }: { small: Small; thumb: Thumb }) {
	const t = text();
	const words = t.words(small.connected, small.cables.length, small.addresses, small.namespaces);
	return (
		<svg class="network-small" viewBox={small.viewBox} role="img" aria-label={words}>
			<title>{words}</title>
			{small.cables.map((cable) => (
				<line
					key={cable.key}
					class="small-cable"
					data-on={cable.on}
					x1={cable.x1}
					y1={cable.y1}
					x2={cable.x2}
					y2={cable.y2}
				/>
			))}
			{small.nodes.map((node) =>
				node.kind === "switch" ? (
					<rect key={node.name} class="small-switch" x={node.x - 5} y={node.y - 2.5} width="10" height="5" rx="1" />
				) : (
					<g key={node.name} class="small-host" data-state={node.state} transform={`translate(${node.x} ${node.y})`}>
						<rect x="-7" y="-5.5" width="14" height="11" rx="1.5" />
						{node.state === "addressed" && <circle r="2.4" />}
						{node.state === "down" && <path d="M-3 -3 3 3M-3 3 3 -3" />}
						{node.namespaces > 0 && <path d={`M-7 8.5h${Math.min(14, 4 * node.namespaces)}`} />}
					</g>
				),
			)}
		</svg>
	);
}
