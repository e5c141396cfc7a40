/** The panes that other folders bring. The terminal is most of the page's weight: it comes while the lesson is already being read. */
import type { RunIn, ShowHost } from "../api/panes";
import { catalogue } from "../i18n/catalogue";
import { Again } from "../ui/icons";
import { lazy } from "../ui/lazy";

const text = catalogue(
	{ failed: "This part of the page could not be loaded.", retry: "Try again", loading: "Loading…" },
	{ failed: "화면의 이 부분을 불러오지 못했습니다.", retry: "다시 시도", loading: "불러오는 중입니다…" },
);

const terminals = () => import("../terminal/TerminalPane");

export const TerminalPane = lazy(() => terminals().then((module) => module.TerminalPane));

export const runIn: RunIn = async (host, command) => (await terminals()).runIn(host, command);
export const showHost: ShowHost = async (host) => (await terminals()).showHost(host);

/** In place of a part whose code is on its way, and of one whose code did not arrive. */
export const waiting = {
	get fallback() {
		return <p class="pane-wait">{text().loading}</p>;
	},
	failure: (retry: () => void) => (
		<div class="pane-wait" role="alert">
			<p>{text().failed}</p>
			<button type="button" onClick={retry}>
				<Again />
				{text().retry}
			</button>
		</div>
	),
};
