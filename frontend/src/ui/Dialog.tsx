/** A modal dialog: the browser's own, with its focus trap and its Escape. */
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { catalogue } from "../i18n/catalogue";
import { Cross } from "./icons";

const text = catalogue({ close: "Close", cancel: "Cancel" }, { close: "닫기", cancel: "취소" });

interface Props {
	title: string;
	onClose: () => void;
	children: ComponentChildren;
	wide?: boolean;
}

export function Dialog({ title, onClose, children, wide }: Props) {
	const ref = useRef<HTMLDialogElement>(null);
	const id = useId();
	// Before the next key: Escape right after the click that opened it must find it open.
	useLayoutEffect(() => {
		const dialog = ref.current as HTMLDialogElement;
		const before = document.activeElement;
		dialog.showModal();
		return () => {
			dialog.close();
			if (before instanceof HTMLElement) before.focus({ preventScroll: true });
		};
	}, []);
	return (
		// biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; the click is on the backdrop
		<dialog
			ref={ref}
			class={wide ? "dialog wide" : "dialog"}
			aria-labelledby={id}
			onCancel={(e) => {
				e.preventDefault();
				onClose();
			}}
			onClick={(e) => {
				if (e.target === ref.current) onClose();
			}}
		>
			<div class="dialog-body">
				<div class="dialog-head">
					<h2 id={id}>{title}</h2>
					<button type="button" class="quiet square" onClick={onClose} aria-label={text().close} title={text().close}>
						<Cross />
					</button>
				</div>
				{children}
			</div>
		</dialog>
	);
}

interface ConfirmProps {
	title: string;
	children: ComponentChildren;
	action: string;
	onConfirm: () => void;
	onClose: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, children, action, onConfirm, onClose }: ConfirmProps) {
	return (
		<Dialog title={title} onClose={onClose}>
			<div class="prose">{children}</div>
			<div class="dialog-foot">
				<button type="button" onClick={onClose}>
					{text().cancel}
				</button>
				<button
					type="button"
					class="primary"
					data-testid="confirm"
					onClick={() => {
						onClose();
						onConfirm();
					}}
				>
					{action}
				</button>
			</div>
		</Dialog>
	);
}
