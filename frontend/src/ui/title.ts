import { useEffect } from "preact/hooks";
import { announce } from "../state/announce";

/** Tells the browser's tab and a screen reader where they are. */
export function usePageTitle(title: string | undefined): void {
	useEffect(() => {
		if (!title) return;
		document.title = title === "Netground" ? title : `${title} · Netground`;
		announce(title);
	}, [title]);
}
