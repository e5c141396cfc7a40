/** xterm's colours and letters out of the page's style sheets. */
import type { ITheme } from "@xterm/xterm";

const names = {
	foreground: "--term-ink",
	background: "--term-paper",
	cursor: "--term-cursor",
	cursorAccent: "--term-paper",
	selectionBackground: "--term-selection",
	selectionInactiveBackground: "--term-selection",
	scrollbarSliderBackground: "--term-slider",
	scrollbarSliderHoverBackground: "--term-slider-hover",
	scrollbarSliderActiveBackground: "--term-slider-hover",
	black: "--term-black",
	red: "--term-red",
	green: "--term-green",
	yellow: "--term-yellow",
	blue: "--term-blue",
	magenta: "--term-magenta",
	cyan: "--term-cyan",
	white: "--term-white",
	brightBlack: "--term-bright-black",
	brightRed: "--term-bright-red",
	brightGreen: "--term-bright-green",
	brightYellow: "--term-bright-yellow",
	brightBlue: "--term-bright-blue",
	brightMagenta: "--term-bright-magenta",
	brightCyan: "--term-bright-cyan",
	brightWhite: "--term-bright-white",
} as const satisfies Partial<Record<keyof ITheme, string>>;

export function readTheme(style: CSSStyleDeclaration = getComputedStyle(document.documentElement)): ITheme {
	const theme: ITheme = {};
	for (const [name, property] of Object.entries(names) as Array<[keyof typeof names, string]>) {
		const value = style.getPropertyValue(property).trim();
		if (value) theme[name] = value;
	}
	return theme;
}

export function readFont(style: CSSStyleDeclaration = getComputedStyle(document.documentElement)): string {
	return style.getPropertyValue("--term-mono").trim() || "monospace";
}

/** The learner's size, in pixels of a page whose letters the browser may have enlarged. */
export function scaled(size: number, style: CSSStyleDeclaration = getComputedStyle(document.documentElement)): number {
	const root = Number.parseFloat(style.fontSize);
	return Math.round(size * (Number.isFinite(root) && root > 0 ? root / 16 : 1));
}
