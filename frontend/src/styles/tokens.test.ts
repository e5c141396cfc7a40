/** The contrast that tokens.css promises, computed from its values (WCAG 2.2, 1.4.3 and 1.4.11). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/styles/tokens.css", "utf8");

function palette(selector: string): Map<string, string> {
	const block = css.slice(css.indexOf(`${selector} {`)).split("}")[0] ?? "";
	return new Map([...block.matchAll(/(--[\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1] as string, m[2] as string]));
}

function luminance(hex: string): number {
	const [r, g, b] = [1, 3, 5].map((at) => {
		const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
		return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	}) as [number, number, number];
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
	const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
	return (light + 0.05) / (dark + 0.05);
}

const grounds = ["--paper", "--surface", "--sunken"];
const texts = ["--ink", "--ink-2", "--ink-3", "--accent", "--warn", "--bad"];
const codes = ["--code-ink", "--code-comment", "--code-keyword", "--code-string", "--code-number", "--code-name"];
const pairs: Array<[string, string, number]> = [
	...grounds.flatMap((ground) => [...texts, ...codes].map((text): [string, string, number] => [text, ground, 4.5])),
	...grounds.map((ground): [string, string, number] => ["--edge", ground, 3]),
	["--on-accent", "--accent", 4.5],
	["--on-accent", "--accent-strong", 4.5],
	["--accent", "--accent-soft", 4.5],
	["--ink", "--accent-soft", 4.5],
	["--ink", "--warn-soft", 4.5],
	["--ink", "--bad-soft", 4.5],
	["--term-ink", "--term-paper", 7],
];

describe.each([":root", ':root[data-theme="dark"]'])("%s", (theme) => {
	const colours = palette(theme);
	it.each(pairs)("%s on %s has at least %d:1", (text, ground, least) => {
		expect(contrast(colours.get(text) as string, colours.get(ground) as string)).toBeGreaterThanOrEqual(least);
	});
});
