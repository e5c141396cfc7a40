import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readFont, readTheme, scaled } from "./theme";

const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");
const sheets = read("../styles/tokens.css") + read("./terminal.css");

/** The custom properties of the rules with the selector, as a style that can be asked. */
function style(...selectors: string[]): CSSStyleDeclaration {
	const values = new Map<string, string>();
	for (const selector of selectors) {
		for (const [, body] of sheets.matchAll(new RegExp(`(?:^|\\n)\\t*${selector} \\{([^}]*)\\}`, "g"))) {
			for (const [, name, value] of (body ?? "").matchAll(/(--[\w-]+):\s*([^;]+);/g)) {
				values.set(name as string, (value as string).trim());
			}
		}
	}
	return { getPropertyValue: (name: string) => values.get(name) ?? "", fontSize: "20px" } as CSSStyleDeclaration;
}

const light = style(":root");
const dark = style(":root", ':root\\[data-theme="dark"\\]');

function luminance(colour: string): number {
	const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
		const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
		return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
	const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m) as [number, number];
	return (x + 0.05) / (y + 0.05);
}

describe("the colours of terminals", () => {
	// What programs use as grounds; xterm lifts the contrast of letters in them.
	const grounds = { light: ["white", "brightWhite"], dark: ["black"] };
	const letters = ["red", "green", "yellow", "blue", "magenta", "cyan", "black", "white"].flatMap((name) => [
		name,
		`bright${name[0]?.toUpperCase()}${name.slice(1)}`,
	]);

	it.each(["light", "dark"] as const)("can be read in the %s theme", (name) => {
		const theme = readTheme(name === "light" ? light : dark) as Record<string, string>;
		const paper = theme.background as string;
		for (const letter of ["foreground", ...letters]) {
			expect(theme[letter], letter).toMatch(/^#[0-9a-f]{6}$/);
			if (grounds[name].includes(letter)) continue;
			expect(contrast(theme[letter] as string, paper), letter).toBeGreaterThanOrEqual(4.5);
		}
		expect(contrast(theme.foreground as string, theme.selectionBackground as string)).toBeGreaterThanOrEqual(4.5);
		expect(contrast(theme.cursor as string, paper)).toBeGreaterThanOrEqual(3);
	});

	it("are xterm's own where the page has none", () => {
		expect(readTheme(style(".none"))).toEqual({});
		expect(readFont(style(".none"))).toBe("monospace");
	});

	it("come with letters that know Hangul, as large as the browser's", () => {
		expect(readFont(light)).toMatch(/D2Coding.*monospace$/s);
		expect(scaled(14, light)).toBe(18);
	});
});
