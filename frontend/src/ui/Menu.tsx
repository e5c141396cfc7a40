/** A button that opens a short list of commands (the ARIA menu button pattern). */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Down } from "./icons";

export interface MenuItem {
	key: string;
	label: ComponentChildren;
	disabled?: boolean;
	onPick: () => void;
}

interface Props {
	label: ComponentChildren;
	items: MenuItem[];
	disabled?: boolean;
	class?: string;
	testid?: string;
}

export function Menu({ label, items, disabled, class: name, testid }: Props) {
	const [open, setOpen] = useState(false);
	const root = useRef<HTMLDivElement>(null);
	const button = useRef<HTMLButtonElement>(null);

	const entries = () => [...(root.current?.querySelectorAll<HTMLElement>("[role=menuitem]:not(:disabled)") ?? [])];
	const close = (focus: boolean) => {
		setOpen(false);
		if (focus) button.current?.focus();
	};

	// Before the next key: an arrow right after the one that opened it moves within it.
	useLayoutEffect(() => {
		if (!open) return;
		entries()[0]?.focus();
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

	const keys = (event: KeyboardEvent) => {
		const all = entries();
		const at = all.indexOf(document.activeElement as HTMLElement);
		const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
		if (event.key === "Escape") close(true);
		else if (event.key === "Tab") setOpen(false);
		else if (to !== undefined) all.at(to % all.length)?.focus();
		else return;
		if (event.key !== "Tab") {
			event.preventDefault();
			event.stopPropagation();
		}
	};

	return (
		<div class="menu" ref={root}>
			<button
				ref={button}
				type="button"
				class={name}
				data-testid={testid}
				aria-haspopup="menu"
				aria-expanded={open}
				disabled={disabled}
				onClick={() => setOpen(!open)}
				onKeyDown={(e) => {
					if (e.key === "ArrowDown" && !open) {
						e.preventDefault();
						setOpen(true);
					}
				}}
			>
				{label}
				<Down />
			</button>
			{open && (
				<div class="menu-list" role="menu" tabIndex={-1} onKeyDown={keys}>
					{items.map((item) => (
						<button
							key={item.key}
							type="button"
							role="menuitem"
							tabIndex={-1}
							disabled={item.disabled}
							data-testid={testid && `${testid}-${item.key}`}
							onClick={() => {
								close(true);
								item.onPick();
							}}
						>
							{item.label}
						</button>
					))}
				</div>
			)}
		</div>
	);
}
