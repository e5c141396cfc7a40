/** What of a page is not in its language. */
import type { Page } from "@playwright/test";

/**
 * The sentences that a page shows in the other language: those that are no code, no terminal, nothing that people have
 * written, and no name. In Korean, several words without a Hangul letter; in English, anything with one.
 */
export async function foreign(page: Page, language: "en" | "ko"): Promise<string[]> {
	return await page.evaluate((lang) => {
		const aside =
			'code, pre, kbd, svg, script, style, .xterm, .mono, .class-said, [lang]:not(html), [data-testid="language"]';
		const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		const found: string[] = [];
		for (let node = walk.nextNode(); node; node = walk.nextNode()) {
			const parent = node.parentElement;
			const said = (node.textContent ?? "").trim();
			if (!said || !parent || parent.closest(aside) || !parent.checkVisibility()) continue;
			const hangul = /\p{Script=Hangul}/u.test(said);
			const wrong = lang === "en" ? hangul : !hangul && /([a-z]{2,}[ ,.]+){3,}/i.test(said);
			if (wrong) found.push(said);
		}
		return found;
	}, language);
}
