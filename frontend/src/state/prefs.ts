/** What the learner chose for the page as a whole, remembered in this browser. */
import { computed, effect, signal } from "@preact/signals";
import type { Theme } from "../api/panes";
import type { InLanguages, Language } from "../api/types";
import { load, save } from "./storage";

interface Stored {
	theme?: Theme;
	language?: Language;
	motion?: "paused";
	/** Shortcuts of a single key, which dictation and tremor set off by accident. */
	keys?: "off";
}

// boot.js reads the same key.
const key = "netground.prefs";

function stored(): Stored {
	const value = load<Stored>(key, {});
	return {
		...(value.theme === "light" || value.theme === "dark" ? { theme: value.theme } : {}),
		...(value.language === "ko" || value.language === "en" ? { language: value.language } : {}),
		...(value.motion === "paused" ? { motion: value.motion } : {}),
		...(value.keys === "off" ? { keys: value.keys } : {}),
	};
}

const prefs = signal<Stored>(stored());

/** A media query as a signal. */
function media(query: string) {
	const list = window.matchMedia(query);
	const matches = signal(list.matches);
	list.addEventListener("change", (e) => {
		matches.value = e.matches;
	});
	return matches;
}

const systemDark = media("(prefers-color-scheme: dark)");
const systemStill = media("(prefers-reduced-motion: reduce)");

export const theme = computed<Theme>(() => prefs.value.theme ?? (systemDark.value ? "dark" : "light"));

export const language = computed<Language>(
	() => prefs.value.language ?? (navigator.language?.startsWith("ko") ? "ko" : "en"),
);

/** A sentence of the server's in the language that the page has by now. */
export const inLanguage = (said = "", all?: InLanguages): string => all?.[language.value] ?? said;

/** The learner has paused motion here. */
export const motionPaused = computed(() => prefs.value.motion === "paused");

/** Nothing may move: paused here, or asked for by the system. */
export const still = computed(() => motionPaused.value || systemStill.value);

function change(part: Stored): void {
	prefs.value = { ...prefs.value, ...part };
	save(key, prefs.value);
}

export const setTheme = (value: Theme) => change({ theme: value });
export const setLanguage = (value: Language) => change({ language: value });
export function pauseMotion(paused: boolean): void {
	const { motion: _, ...rest } = prefs.value;
	prefs.value = rest;
	change(paused ? { motion: "paused" } : {});
}
export const singleKeys = computed(() => prefs.value.keys !== "off");
export function setSingleKeys(on: boolean): void {
	const { keys: _, ...rest } = prefs.value;
	prefs.value = rest;
	change(on ? {} : { keys: "off" });
}

/** Keeps the document's element in step with what was chosen. */
export function applyPrefs(root: HTMLElement): () => void {
	return effect(() => {
		root.dataset.theme = theme.value;
		root.lang = language.value;
		if (motionPaused.value) root.dataset.motion = "paused";
		else delete root.dataset.motion;
	});
}
