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
		return enhance?.(root);
	}, [html, enhance]);
	return <div ref={ref} class={name} />;
}
