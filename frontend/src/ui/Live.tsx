/** The page's one polite live region. */
import { useEffect, useState } from "preact/hooks";
import { announcement } from "../state/announce";

export function Live() {
	const { text, n } = announcement.value;
	const [said, setSaid] = useState("");
	// Emptied first: the same sentence said again would be no change, and stay unread.
	useEffect(() => {
		setSaid("");
		const timer = setTimeout(() => setSaid(text), 60);
		return () => clearTimeout(timer);
	}, [text, n]);
	return (
		<div class="offscreen" role="status" aria-live="polite" aria-atomic="true">
			{said}
		</div>
	);
}
