/** What can be set for all terminals, and the clipboard for those who have no keyboard at hand. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { announce } from "../state/announce";
import { copyText } from "../ui/copy";
import { fontSize, screenReader, setFontSize, setScreenReader, sizes } from "./prefs";
import type { Shell } from "./shell";
import { text } from "./text";

export function Settings({ shell }: { shell: Shell | null }) {
	const t = text();
	const [open, setOpen] = useState(false);
	const root = useRef<HTMLDivElement>(null);
	const button = useRef<HTMLButtonElement>(null);
	const id = useId();
	const size = fontSize.value;

	useEffect(() => {
		if (!open) return;
		const outside = (event: Event) => {
			if (!root.current?.contains(event.target as Node)) setOpen(false);
		};
		document.addEventListener("pointerdown", outside);
		document.addEventListener("focusin", outside);
		return () => {
			document.removeEventListener("pointerdown", outside);
			document.removeEventListener("focusin", outside);
		};
	}, [open]);

	/** For the eyes, too: the terminal shows it. */
	const tell = (sentence: string) => {
		setOpen(false);
		button.current?.focus();
		shell?.say(sentence);
		announce(sentence);
	};
	const copy = async () => {
		const selection = shell?.screen?.selection ?? "";
		const copied = selection !== "" && (await copyText(selection));
		tell(copied ? t.copied : selection ? t.copyFailed : t.nothing);
	};
	const paste = async () => {
		try {
			const clip = await navigator.clipboard.readText();
			setOpen(false);
			shell?.screen?.paste(clip);
			shell?.focus();
		} catch {
			tell(t.pasteKeys);
		}
	};

	return (
		// biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what the button inside opens
		<div
			class="terms-settings"
			ref={root}
			onKeyDown={(event) => {
				if (event.key !== "Escape" || !open) return;
				event.stopPropagation();
				setOpen(false);
				button.current?.focus();
			}}
		>
			<button
				ref={button}
				type="button"
				class="quiet square"
				aria-label={t.options}
				title={t.options}
				aria-expanded={open}
				aria-controls={open ? id : undefined}
				onClick={() => setOpen(!open)}
			>
				<Sliders />
			</button>
			{open && (
				<div class="terms-options" id={id}>
					{/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields */}
					<div class="terms-size" role="group" aria-label={t.size}>
						<span>{t.size}</span>
						<button
							type="button"
							aria-label={t.smaller}
							aria-disabled={size <= sizes.min}
							onClick={() => setFontSize(size - 1)}
						>
							−
						</button>
						<output aria-live="polite">{t.pixels(size)}</output>
						<button
							type="button"
							aria-label={t.larger}
							aria-disabled={size >= sizes.max}
							onClick={() => setFontSize(size + 1)}
						>
							+
						</button>
					</div>
					<button
						type="button"
						class="quiet terms-choice"
						aria-pressed={screenReader.value}
						onClick={() => setScreenReader(!screenReader.value)}
					>
						{t.reader}
					</button>
					{shell && (
						<>
							<button type="button" class="quiet terms-choice" onClick={() => void copy()}>
								{t.copy}
							</button>
							{window.isSecureContext && (
								<button type="button" class="quiet terms-choice" onClick={() => void paste()}>
									{t.paste}
								</button>
							)}
						</>
					)}
					<p class="terms-help">{t.keys}</p>
				</div>
			)}
		</div>
	);
}

function Sliders() {
	return (
		<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
			<path d="M2 5h6M12 5h2M2 11h2M8 11h6" />
			<circle cx="10" cy="5" r="1.8" />
			<circle cx="6" cy="11" r="1.8" />
		</svg>
	);
}
