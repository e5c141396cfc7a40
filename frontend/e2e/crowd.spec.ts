/** The live view with a large class. */
import type { Page } from "@playwright/test";
import { violations } from "./axe";
import { FakeClass } from "./fakeclass";
import { expect, test } from "./fixtures";

const learners = 200;

/** Counts the rows that are touched, and how long the page is held up at a time. */
async function observe(page: Page): Promise<void> {
	await page.evaluate(() => {
		const seen = { rows: new Set<string>(), longest: 0, frames: 0 };
		Object.assign(window, { seen });
		new MutationObserver((changes) => {
			for (const { target } of changes) {
				const element = target instanceof Element ? target : target.parentElement;
				const member = element?.closest<HTMLElement>("[data-member]")?.dataset.member;
				if (member) seen.rows.add(member);
			}
		}).observe(document.querySelector(".board-rows") as Element, {
			subtree: true,
			childList: true,
			attributes: true,
			characterData: true,
		});
		let last = performance.now();
		const frame = (now: number) => {
			seen.longest = Math.max(seen.longest, now - last);
			seen.frames++;
			last = now;
			requestAnimationFrame(frame);
		};
		requestAnimationFrame(frame);
	});
}

interface Seen {
	rows: string[];
	longest: number;
	frames: number;
}

const seen = (page: Page): Promise<Seen> =>
	page.evaluate(() => {
		const { rows, longest, frames } = (window as unknown as { seen: { rows: Set<string> } & Omit<Seen, "rows"> }).seen;
		return { rows: [...rows], longest, frames };
	});

test(`the grid of ${learners} learners draws what changes, and nothing else`, async ({ page, faults }) => {
	// The fake has no picture of the code, and no icon.
	faults.forgive(/qr\.svg/, /favicon/, /404/);
	const crowd = await FakeClass.start(learners);
	try {
		const began = performance.now();
		await page.goto(`${crowd.url}/teach/c1`);
		await expect(page.locator(".board-rows .board-row")).toHaveCount(learners);
		const first = performance.now() - began;
		await observe(page);
		const changed = new Set<string>();
		for (let i = 0; i < 20; i++) {
			for (const member of crowd.stir(10)) changed.add(member);
			const one = crowd.rows.find((row) => changed.has(row.member));
			// What the last event brought is there; how fast that is, the figures tell.
			const cell = page.locator(`[data-member=${one?.member}] .board-cell`);
			const want = one?.cells.routing?.map((c) => c.state) ?? [];
			await expect
				.poll(() => cell.evaluateAll((all) => all.map((e) => (e as HTMLElement).dataset.state)))
				.toEqual(want);
		}
		const { rows, longest, frames } = await seen(page);
		console.log(
			`    ${learners} learners: rows after ${Math.round(first)} ms; 20 bursts of 10 changes in ${frames} frames, the longest ${Math.round(longest)} ms`,
		);
		// A row that neither changed nor came to need help, or ceased to, was not touched; rows that only move are moved.
		const help = new Set(crowd.board().help.map((one) => one.member));
		expect(rows.filter((member) => !changed.has(member) && !help.has(member))).toEqual([]);

		// By keyboard, and for who does not see it.
		await page.locator(".board-rows [role=rowheader]").first().focus();
		await page.keyboard.press("Control+End");
		await expect(page.locator(".board-rows .board-row").last().getByRole("gridcell").last()).toBeFocused();
		await page.keyboard.press("Control+Home");
		await expect(page.getByRole("columnheader").first()).toBeFocused();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("ArrowRight");
		await expect(page.getByRole("grid").locator(":focus")).toHaveAccessibleName(/Step 1/);
		await page.getByTestId("hide-names").click();
		await expect(page.locator(".board-rows .board-row").first()).not.toContainText("Learner");
		// Networks come only while they are shown.
		expect(crowd.networks).toEqual([[]]);
		await page.getByTestId("view-networks").click();
		const cards = page.locator(".network-card");
		await expect(cards).toHaveCount(learners);
		await expect.poll(() => crowd.networks.length).toBe(2);
		// And only those on the screen, which are some of them.
		const member = (nth: number) => cards.nth(nth).getAttribute("data-member");
		const asked = () => crowd.networks.at(-1) ?? [];
		expect(asked()).toContain(await member(0));
		expect(asked()).not.toContain(await member(learners - 1));
		expect(asked().length).toBeLessThanOrEqual(100);
		console.log(`    of ${learners} networks, ${asked().length} come at first`);
		const pictures = page.locator(".network-small");
		await expect(pictures).not.toHaveCount(0);
		expect(await pictures.count()).toBeLessThanOrEqual(asked().length);
		// Who scrolls sees the others, and those alone come then.
		const left = await member(learners - 1);
		await cards.last().scrollIntoViewIfNeeded();
		await expect.poll(asked).toContain(left);
		expect(asked()).not.toContain(await member(0));
		expect(asked().length).toBeLessThanOrEqual(100);
		// Idle, nothing more is asked for.
		const streams = crowd.networks.length;
		await page.getByTestId("view-steps").click();
		await expect.poll(asked).toEqual([]);
		expect(crowd.networks.length).toBe(streams + 1);
		await page.getByTestId("view-networks").click();
		await expect.poll(() => asked().length).toBeGreaterThan(0);
		expect(await violations(page)).toEqual([]);
	} finally {
		await crowd.close();
	}
});
