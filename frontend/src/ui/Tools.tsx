/** What every page's bar has at its right: language, theme, motion, help. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { catalogue } from "../i18n/catalogue";
import { language, motionPaused, pauseMotion, setLanguage, setTheme, singleKeys, theme } from "../state/prefs";
import { Help, Moon, Move, Pause, Sun } from "./icons";
import { lazy } from "./lazy";

const text = catalogue(
	{
		tools: "Settings of the page",
		dark: "Dark theme",
		light: "Light theme",
		pause: "Pause motion",
		play: "Allow motion",
		help: "Help and keyboard shortcuts",
	},
	{
		tools: "화면 설정",
		dark: "어두운 테마",
		light: "밝은 테마",
		pause: "움직임 멈추기",
		play: "움직임 허용",
		help: "도움말과 단축키",
	},
);

export const helpOpen = signal(false);
const HelpDialog = lazy(() => import("./HelpDialog").then((module) => module.HelpDialog));

/** "?" opens the help wherever it is not a character being typed. */
function listenForHelp(): () => void {
	const abort = new AbortController();
	addEventListener(
		"keydown",
		(event) => {
			const typed = event.target instanceof Element && event.target.closest("input, textarea, select, dialog");
			if (event.key !== "?" || event.ctrlKey || event.altKey || event.metaKey || typed || !singleKeys.peek()) return;
			event.preventDefault();
			helpOpen.value = true;
		},
		{ signal: abort.signal },
	);
	return () => abort.abort();
}

export function Tools() {
	const t = text();
	const other = language.value === "ko" ? "en" : "ko";
	const dark = theme.value === "dark";
	const paused = motionPaused.value;
	useEffect(listenForHelp, []);
	return (
		<>
			{/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form's fields */}
			<div class="tools" role="group" aria-label={t.tools}>
				<button type="button" class="quiet" data-testid="language" lang={other} onClick={() => setLanguage(other)}>
					{other === "ko" ? "한국어" : "English"}
				</button>
				<IconButton testid="theme" label={dark ? t.light : t.dark} onClick={() => setTheme(dark ? "light" : "dark")}>
					{dark ? <Sun /> : <Moon />}
				</IconButton>
				<IconButton label={paused ? t.play : t.pause} onClick={() => pauseMotion(!paused)}>
					{paused ? <Move /> : <Pause />}
				</IconButton>
				<IconButton
					label={t.help}
					onClick={() => {
						helpOpen.value = true;
					}}
				>
					<Help />
				</IconButton>
			</div>
			{helpOpen.value && (
				<HelpDialog
					onClose={() => {
						helpOpen.value = false;
					}}
				/>
			)}
		</>
	);
}

interface IconButtonProps {
	label: string;
	onClick: () => void;
	children: preact.ComponentChildren;
	pressed?: boolean;
	disabled?: boolean;
	testid?: string;
}

/** A button of an icon alone; the label is its name and its tooltip. */
export function IconButton({ label, onClick, children, pressed, disabled, testid }: IconButtonProps) {
	return (
		<button
			type="button"
			class="quiet square"
			aria-label={label}
			title={label}
			data-testid={testid}
			aria-pressed={pressed}
			disabled={disabled}
			onClick={onClick}
		>
			{children}
		</button>
	);
}
