/** The join code for the beamer: large enough for the last row, as text and as a QR code. */
import { useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Class } from "../../api/classes";
import { newCode, qrURL } from "../../api/classes";
import { catalogue } from "../../i18n/catalogue";
import { announce } from "../../state/announce";
import { copyText } from "../../ui/copy";
import { Copy, Cross } from "../../ui/icons";
import type { ClassStore } from "./store";

const text = catalogue(
	{
		title: "Join the class",
		open: "Open in a browser",
		enter: "and enter the code",
		scan: "or scan",
		qr: (url: string) => `QR code of ${url}`,
		here: (n: number, of: number) => `${n} of ${of} are here`,
		close: "Close",
		copy: "Copy the address",
		copied: "Copied.",
		fresh: "New code",
		freshNote: "The code before is void. Who has joined stays.",
		recorded: "Terminals of this class are recorded.",
	},
	{
		title: "수업 참여",
		open: "브라우저에서 열기",
		enter: "참여 코드",
		scan: "또는 QR 코드 찍기",
		qr: (url) => `${url}의 QR 코드`,
		here: (n, of) => `${of}명 중 ${n}명 접속`,
		close: "닫기",
		copy: "주소 복사",
		copied: "복사했습니다.",
		fresh: "새 코드 만들기",
		freshNote: "이전 코드는 쓸 수 없게 됩니다. 이미 참여한 사람은 그대로 남습니다.",
		recorded: "이 수업에서는 터미널을 녹화합니다.",
	},
);

/** In groups of three, as people read it out. */
export const spaced = (code: string): string => (code.length === 6 ? `${code.slice(0, 3)} ${code.slice(3)}` : code);

export function JoinBoard({ store, value, onClose }: { store: ClassStore; value: Class; onClose: () => void }) {
	const t = text();
	const ref = useRef<HTMLDialogElement>(null);
	useLayoutEffect(() => {
		const dialog = ref.current as HTMLDialogElement;
		const before = document.activeElement;
		dialog.showModal();
		return () => {
			dialog.close();
			if (before instanceof HTMLElement) before.focus({ preventScroll: true });
		};
	}, []);
	useEffect(() => {
		// All of the screen, where the browser allows it; without it, all of the window.
		ref.current?.requestFullscreen?.({ navigationUI: "hide" }).catch(() => {});
		return () => {
			if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
		};
	}, []);
	const board = useComputed(() => store.grid.value?.board).value;
	const url = new URL(value.joinPath, location.href).href;
	const short = new URL("/join", location.href);
	const address = short.host + short.pathname;
	return (
		<dialog
			ref={ref}
			class="beamer"
			aria-labelledby="beamer-title"
			data-testid="join-board"
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
		>
			<div class="beamer-body">
				<header>
					<h2 id="beamer-title">{value.name}</h2>
					<button type="button" class="quiet square" aria-label={t.close} title={t.close} onClick={onClose}>
						<Cross />
					</button>
				</header>
				<div class="beamer-main">
					<div class="beamer-text">
						<p class="beamer-label">{t.open}</p>
						<p class="beamer-address">{address}</p>
						<p class="beamer-label">{t.enter}</p>
						<p class="beamer-code" data-testid="beamer-code">
							{spaced(value.code)}
						</p>
					</div>
					<figure class="beamer-qr">
						<img src={qrURL(value.id, value.code)} alt={t.qr(url)} />
						<figcaption class="beamer-label">{t.scan}</figcaption>
					</figure>
				</div>
				<footer>
					<p class="beamer-count" role="status">
						{board && t.here(board.online, board.joined)}
					</p>
					{value.recording && <p>{t.recorded}</p>}
					<span class="grow" />
					<button type="button" onClick={() => void copyText(url).then((ok) => ok && announce(t.copied))}>
						<Copy />
						{t.copy}
					</button>
					{value.canEdit && (
						<button
							type="button"
							title={t.freshNote}
							aria-busy={store.asks.pending.value.has("code")}
							onClick={() => void store.asks.run("code", () => newCode(value.id))}
						>
							{t.fresh}
						</button>
					)}
				</footer>
			</div>
		</dialog>
	);
}
