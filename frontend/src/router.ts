/** The page's addresses. One signal holds the route; links are ordinary links. */
import { signal } from "@preact/signals";

export type Route =
	| { name: "course" }
	| { name: "lab"; lab: string }
	/** The teacher's pages: what follows /teach, which those pages tell apart. */
	| { name: "teach"; path: string[] }
	/** The code may be empty: then it is asked for. */
	| { name: "join"; code: string }
	/** Back into a class, by a personal code. */
	| { name: "back" }
	| { name: "play"; runs: boolean }
	| { name: "cheatsheet" }
	| { name: "missing" };

export function parse(path: string): Route {
	let parts: string[];
	try {
		parts = path
			.split("/")
			.filter((part) => part !== "")
			.map(decodeURIComponent);
	} catch {
		// "%E0%A4%A" decodes to nothing.
		return { name: "missing" };
	}
	const [first, second = ""] = parts;
	if (first === undefined) return { name: "course" };
	if (first === "labs" && parts.length === 2 && /^[a-z0-9][a-z0-9-]*$/i.test(second))
		return { name: "lab", lab: second };
	if (first === "playground" && parts.length <= 2 && /^(network)?$/.test(second))
		return { name: "play", runs: !!second };
	if (first === "cheatsheet" && parts.length === 1) return { name: "cheatsheet" };
	if (first === "teach") return { name: "teach", path: parts.slice(1) };
	if (first === "join" && parts.length <= 2) return { name: "join", code: second };
	if (first === "back" && parts.length === 1) return { name: "back" };
	return { name: "missing" };
}

export const labPath = (lab: string): string => `/labs/${encodeURIComponent(lab)}`;

export const playPath = "/playground";
export const networkPath = "/playground/network";

export const route = signal<Route>(parse(location.pathname));

/** Goes to an address of this page without loading it anew. */
export function navigate(path: string): void {
	const url = new URL(path, location.href);
	if (url.pathname === location.pathname) {
		history.replaceState(null, "", url);
	} else {
		history.pushState(null, "", url);
		scrollTo(0, 0);
	}
	route.value = parse(url.pathname);
}

/** Whether the click should be left to the browser: another tab, a download, another site, a part of this page. */
export function isForeign(event: MouseEvent, link: HTMLAnchorElement): boolean {
	if (event.defaultPrevented || event.button !== 0) return true;
	if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return true;
	if ((link.target && link.target !== "_self") || link.hasAttribute("download")) return true;
	const url = new URL(link.href, location.href);
	if (url.origin !== location.origin || url.pathname.startsWith("/api/")) return true;
	return url.pathname === location.pathname && url.hash !== "";
}

/** Follows clicks and the browser's back and forward; returns what ends that. */
export function startRouter(): () => void {
	const abort = new AbortController();
	addEventListener(
		"popstate",
		() => {
			route.value = parse(location.pathname);
		},
		{ signal: abort.signal },
	);
	document.addEventListener(
		"click",
		(event) => {
			const link = event.target instanceof Element ? event.target.closest("a") : null;
			if (!link?.href || isForeign(event, link)) return;
			event.preventDefault();
			navigate(link.href);
		},
		{ signal: abort.signal },
	);
	return () => abort.abort();
}
