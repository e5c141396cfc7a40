/** Asks the server whether a host reaches an address; it sends a packet itself, and says where that ends. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import type { CheckState } from "../api/types";
import type { LabStore } from "../lab/store";
import { language } from "../state/prefs";
import { offlineText } from "../ui/ErrorPage";
import { askProbe } from "./api";
import { text } from "./text";

export function Ask({ store }: { store: LabStore }) {
	const t = text();
	const session = store.session.value;
	const [from, setFrom] = useState("");
	const [to, setTo] = useState("");
	const [busy, setBusy] = useState(false);
	const [found, setFound] = useState<CheckState | ApiError | null>(null);
	const hosts = session?.hosts ?? [];
	const sender = hosts.some((host) => host.name === from) ? from : (hosts[0]?.name ?? "");
	// What is said of a packet is in one language: another one is sent.
	const lang = language.value;
	const said = useRef(lang);
	useEffect(() => {
		if (lang !== said.current && found) void ask();
	}, [lang]);
	const ask = async () => {
		if (!session || busy) return;
		setBusy(true);
		said.current = language.peek();
		try {
			setFound(await askProbe(session.id, sender, to));
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			setFound(error);
		} finally {
			setBusy(false);
		}
	};
	return (
		<form
			class="play-ask"
			onSubmit={(event) => {
				event.preventDefault();
				void ask();
			}}
		>
			<h2>{t.ask}</h2>
			<p class="said">{t.askText}</p>
			<div class="play-ask-row">
				<label>
					<span>{t.askFrom}</span>
					<select data-testid="ask-from" value={sender} onChange={(event) => setFrom(event.currentTarget.value)}>
						{hosts.map((host) => (
							<option key={host.name}>{host.name}</option>
						))}
					</select>
				</label>
				<label class="grow">
					<span>{t.askTo}</span>
					<input
						type="text"
						data-testid="ask-to"
						value={to}
						placeholder="192.168.1.11"
						autocomplete="off"
						maxLength={45}
						onInput={(event) => setTo(event.currentTarget.value)}
					/>
				</label>
				<button
					type="submit"
					class="strong"
					data-testid="ask"
					aria-busy={busy}
					disabled={!store.usable.value || busy || to.trim() === ""}
				>
					{busy ? t.asking : t.askDo}
				</button>
			</div>
			<p
				role="status"
				data-testid="ask-answer"
				data-ok={found && !(found instanceof ApiError) && found.ok ? "" : undefined}
			>
				{found &&
					(found instanceof ApiError ? (
						found.offline ? (
							offlineText()
						) : (
							found.message
						)
					) : found.ok ? (
						<>
							<i class="light on" aria-hidden="true" /> {t.askYes}
						</>
					) : (
						<>
							<i class="light" aria-hidden="true" /> {t.askNo} {found.why || found.found}
						</>
					))}
			</p>
		</form>
	);
}
