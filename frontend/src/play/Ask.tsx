/** Asks the server whether a host reaches an address; it sends a packet itself, and says where that ends. */
import { useState } from "preact/hooks";
import { ApiError } from "../api/client";
import type { CheckState } from "../api/types";
import type { LabStore } from "../lab/store";
import { offlineText } from "../ui/ErrorPage";
import { askProbe } from "./api";
import { text } from "./text";

export function Ask({ store }: { store: LabStore }) {
	const t = text();
	const session = store.session.value;
	const [from, setFrom] = useState("");
	const [to, setTo] = useState("");
	const [busy, setBusy] = useState(false);
	const [found, setFound] = useState<CheckState | string | null>(null);
	const hosts = session?.hosts ?? [];
	const sender = hosts.some((host) => host.name === from) ? from : (hosts[0]?.name ?? "");
	const ask = async (event: Event) => {
		event.preventDefault();
		if (!session || busy) return;
		setBusy(true);
		try {
			setFound(await askProbe(session.id, sender, to));
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			setFound(error.offline ? offlineText() : error.message);
		} finally {
			setBusy(false);
		}
	};
	return (
		<form class="play-ask" onSubmit={(event) => void ask(event)}>
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
			<p role="status" data-testid="ask-answer" data-ok={typeof found === "object" && found?.ok ? "" : undefined}>
				{found &&
					(typeof found === "string" ? (
						found
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
