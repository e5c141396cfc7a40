/** HTML that the server rendered and sanitised. The only place where the page puts markup into the document. */
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
	html: string;
	class?: string;
	/** Called when the markup is in place; what it returns is called before it goes. */
	enhance?: (root: HTMLElement) => (() => void) | undefined;
}

export function Html({ html, class: name, enhance }: Props) {
	const ref = useRef<HTMLDivElement>(null);
	useLayoutEffect(() => {
		const root = ref.current as HTMLDivElement;
		root.innerHTML = html;
		const undo = enhance?.(root);
		const stop = reachable(root);
		return () => {
			stop();
			undo?.();
		};
	}, [html, enhance]);
	return <div ref={ref} class={name} />;
}

/** What is wider than its place has to be scrolled by keyboard, too; what is not must not cost a Tab. */
function reachable(root: HTMLElement): () => void {
	const wide = root.querySelectorAll<HTMLElement>("pre, table");
	if (wide.length === 0) return () => {};
	const measure = () => {
		for (const element of wide) {
			if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
			else element.removeAttribute("tabindex");
		}
	};
	const observer = new ResizeObserver(measure);
	observer.observe(root);
	return () => observer.disconnect();
}
