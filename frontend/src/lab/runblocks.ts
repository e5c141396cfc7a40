/**
 * Gives the command blocks of a lesson their buttons. The server renders a
 * block that runs on a host as <figure class="run" data-host="A"> around a
 * <pre>; what it says is typed into that host's terminal.
 */
import { catalogue } from "../i18n/catalogue";
import { announce } from "../state/announce";
import { copyText } from "../ui/copy";

const text = catalogue(
	{
		run: "Run",
		runOn: (host: string) => `Run on ${host}`,
		copy: "Copy",
		copyCommand: "Copy the command",
		fails: "meant to fail",
		sent: "Sent",
		sentTo: (host: string) => `Sent to the terminal of ${host}.`,
		copied: "Copied",
		copiedSentence: "Copied to the clipboard.",
		failed: "Failed",
		copyFailed: "The browser did not allow copying. Select the text and copy it by keyboard.",
		runFailed: (host: string) => `The terminal of ${host} cannot be reached right now.`,
	},
	{
		run: "실행",
		runOn: (host) => `${host}에서 실행`,
		copy: "복사",
		copyCommand: "명령 복사",
		fails: "실패하는 것이 정상입니다",
		sent: "보냄",
		sentTo: (host) => `${host}의 터미널로 보냈습니다.`,
		copied: "복사됨",
		copiedSentence: "클립보드에 복사했습니다.",
		failed: "실패",
		copyFailed: "브라우저가 복사를 허용하지 않았습니다. 글자를 선택한 뒤 키보드로 복사합니다.",
		runFailed: (host) => `지금은 ${host}의 터미널에 연결할 수 없습니다.`,
	},
);

/** How long a button says what it did. */
const said = 1600;

export interface RunActions {
	/** Types the command into the host's terminal. */
	run: (host: string, command: string) => Promise<void>;
}

/** The command of a block: its text without the line break at the end. */
export function commandOf(figure: HTMLElement): string {
	return (figure.querySelector("pre")?.textContent ?? "").replace(/\s+$/, "");
}

/** Adds the buttons to every block below root; returns what removes them. */
export function enhanceRunBlocks(root: HTMLElement, actions: RunActions): () => void {
	const timers = new Set<ReturnType<typeof setTimeout>>();
	const added: HTMLElement[] = [];

	/** What went wrong stays below the command until the next try: a second on a button is not enough to read it. */
	const complain = (figure: HTMLElement, sentence: string) => {
		figure.querySelector(".run-problem")?.remove();
		if (!sentence) return;
		const line = document.createElement("p");
		line.className = "run-problem";
		line.textContent = sentence;
		figure.append(line);
		added.push(line);
	};

	const button = (className: string, label: string, name: string, act: () => Promise<[string, string]>) => {
		const element = document.createElement("button");
		element.type = "button";
		element.className = className;
		element.setAttribute("aria-label", name);
		const span = document.createElement("span");
		span.textContent = label;
		element.append(span);
		element.addEventListener("click", async () => {
			// Not disabled, which would drop the focus.
			if (element.dataset.state === "busy") return;
			element.dataset.state = "busy";
			const [shown, sentence] = await act();
			element.dataset.state = "done";
			span.textContent = shown;
			announce(sentence);
			const timer = setTimeout(() => {
				timers.delete(timer);
				delete element.dataset.state;
				span.textContent = label;
			}, said);
			timers.add(timer);
		});
		return element;
	};

	for (const figure of root.querySelectorAll<HTMLElement>("figure.run[data-host]")) {
		const host = figure.dataset.host ?? "";
		const t = text();
		const bar = document.createElement("figcaption");
		bar.className = "run-bar";
		const where = document.createElement("span");
		where.className = "run-host";
		where.textContent = host;
		const run = button("run-button", t.run, t.runOn(host), async () => {
			complain(figure, "");
			try {
				await actions.run(host, commandOf(figure));
				return [t.sent, t.sentTo(host)];
			} catch (error) {
				// A TypeError is the browser's: the code of the terminals did not come.
				const known = error instanceof Error && !(error instanceof TypeError) && error.message;
				const sentence = known || t.runFailed(host);
				complain(figure, sentence);
				return [t.failed, sentence];
			}
		});
		const copy = button("copy-button", t.copy, t.copyCommand, async () => {
			const copied = await copyText(commandOf(figure));
			complain(figure, copied ? "" : t.copyFailed);
			return copied ? [t.copied, t.copiedSentence] : [t.failed, t.copyFailed];
		});
		bar.append(where);
		if (figure.dataset.fails !== undefined) {
			const note = document.createElement("span");
			note.className = "run-note";
			note.textContent = t.fails;
			bar.append(note);
		}
		bar.append(run, copy);
		figure.prepend(bar);
		added.push(bar);
	}

	return () => {
		for (const timer of timers) clearTimeout(timer);
		for (const bar of added) bar.remove();
	};
}
