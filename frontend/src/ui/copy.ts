/**
 * Copies text. Browsers give the clipboard API to secure origins only, and a
 * classroom's server is http://192.168.…: there a selection and the old
 * command do.
 */
export async function copyText(text: string): Promise<boolean> {
	if (window.isSecureContext && navigator.clipboard) {
		try {
			await navigator.clipboard.writeText(text);
			return true;
		} catch {
			// Refused, or the document lost the focus: the old way may still work.
		}
	}
	const before = document.activeElement;
	const area = document.createElement("textarea");
	area.value = text;
	area.readOnly = true;
	area.setAttribute("aria-hidden", "true");
	area.className = "offscreen";
	// Inside an open dialog, since the page behind it can have no focus.
	(before?.closest("dialog") ?? document.body).append(area);
	area.select();
	let copied = false;
	try {
		copied = document.execCommand("copy");
	} catch {
		copied = false;
	}
	area.remove();
	if (before instanceof HTMLElement) before.focus({ preventScroll: true });
	return copied;
}
