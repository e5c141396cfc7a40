/** What shuts people out of a page, as far as a program can see it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
	id: string;
	impact: string | null;
	help: string;
	nodes: { html: string; failureSummary?: string }[];
}

/** What axe-core finds against WCAG 2.2 AA, as text. */
export async function violations(page: Page): Promise<string[]> {
	// Not into the page as a script, which its policy forbids.
	await page.evaluate(axe);
	const found = await page.evaluate(async () => {
		const { axe } = window as unknown as {
			axe: { run(context: unknown, options: unknown): Promise<{ violations: Violation[] }> };
		};
		const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
		return (await axe.run(document, { runOnly: { type: "tag", values: tags } })).violations;
	});
	return (
		found
			.filter(({ impact }) => impact === "serious" || impact === "critical")
			// A host's card is a small table: its name says in sentences what axe joins into one word.
			.filter(
				({ id, nodes }) => id !== "label-content-name-mismatch" || !nodes.every((node) => /net-card/.test(node.html)),
			)
			.flatMap(({ id, help, nodes }) =>
				nodes.map((node) => `${id}: ${help}: ${node.html} ${node.failureSummary ?? ""}`),
			)
	);
}
