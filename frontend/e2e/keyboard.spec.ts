/** Everything by keyboard, and nothing that shuts anybody out. */
import type { Page } from "@playwright/test";
import { violations } from "./axe";
import { expect, test } from "./fixtures";

/** The pane, or the place in it, that has the focus. */
const focusedPane = (page: Page) =>
	page.evaluate(
		() => document.activeElement?.closest("#lesson, #diagram, #terminals")?.id ?? document.activeElement?.tagName,
	);

/** Presses Tab until an element that fits has the focus. */
async function tabTo(page: Page, selector: string, most = 80): Promise<void> {
	for (let i = 0; i < most; i++) {
		await page.keyboard.press("Tab");
		if (await page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)) return;
	}
	throw new Error(`no ${selector} within ${most} times Tab`);
}

test("a lab is opened, worked in and left without a pointer", async ({ lab, page }) => {
	await page.goto("/");
	await expect(page.getByTestId("lab-card-switching")).toBeVisible();
	await page.keyboard.press("Tab");
	await expect(page.locator(".skip").first()).toBeFocused();
	await tabTo(page, "[data-testid=lab-card-switching] a");
	const opened = page.waitForResponse((r) => r.request().method() === "POST" && r.url().includes("/api/sessions"));
	await page.keyboard.press("Enter");
	lab.session = (await (await opened).json()).id;
	await lab.ready();

	// Around the panes: F6 leads on, also out of the terminal, which keeps Tab and Escape for itself.
	await page.locator("body").press("F6");
	await expect.poll(() => focusedPane(page)).toBe("lesson");
	await page.keyboard.press("F6");
	await expect.poll(() => focusedPane(page)).toBe("diagram");
	await page.keyboard.press("F6");
	await expect(lab.input).toBeFocused();
	await page.keyboard.type("ech");
	await page.keyboard.press("Tab");
	await lab.expectScreen(/# echo$/m);
	await page.keyboard.type(" by-key");
	await page.keyboard.press("Enter");
	await lab.expectScreen(/^by-key$/m);
	await expect(lab.input).toBeFocused();
	await page.keyboard.press("F6");
	await expect.poll(() => focusedPane(page)).toBe("lesson");
	await page.keyboard.press("Shift+F6");
	await expect(lab.input).toBeFocused();
	await page.keyboard.press("F6");
	await expect.poll(() => focusedPane(page)).toBe("lesson");

	// A command block; the focus stays in the lesson.
	await tabTo(page, "#up .run-button");
	await page.keyboard.press("Enter");
	await lab.expectScreen("ip link set dev eth0 up");
	await expect(page.locator("#up .run-button").first()).toBeFocused();

	// A question.
	await page.locator("#learn h2").focus();
	await tabTo(page, "#learn input[type=radio]");
	await page.keyboard.press("ArrowDown");
	await expect(page.getByRole("radio", { name: "It sends it out of every other port" })).toBeChecked();
	await tabTo(page, "[data-testid=submit-learn-flood]");
	await page.keyboard.press("Enter");
	await expect(page.locator("#learn .question")).toHaveAttribute("data-state", "ok");

	// A host of the diagram opens its terminal.
	await page.locator("#diagram").focus();
	await tabTo(page, "[data-host=B]");
	await page.keyboard.press("Enter");
	await expect(lab.tab("B")).toHaveAttribute("aria-selected", "true");
	await lab.show("B");
	await expect(lab.input).toBeFocused();
});

test("the first key leads past the bar", async ({ lab, page }) => {
	await lab.open("switching");
	await page.reload();
	await lab.ready();
	await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
	await page.keyboard.press("Tab");
	await expect(page.locator(".skip").first()).toBeFocused();
	await expect(page.locator(".skip").first()).toBeInViewport();
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	await expect(lab.input).toBeFocused();
});

for (const colorScheme of ["light", "dark"] as const) {
	test.describe(colorScheme, () => {
		test.use({ colorScheme });

		test(`nothing on the pages is a serious barrier, ${colorScheme}`, async ({ lab, page }) => {
			await page.goto("/");
			await expect(page.getByTestId("lab-card-switching")).toBeVisible();
			expect(await violations(page)).toEqual([]);

			await page.goto("/playground");
			await page.getByTestId("topology").fill("hosts: {A: {}}\nlinks:\n  - [A:eth0, sw]\n");
			await expect(page.locator(".play-lines li[data-wrong]")).toHaveText("3");
			expect(await violations(page)).toEqual([]);

			await lab.open("routing");
			await page.getByTestId("check-onward").click();
			await expect(lab.step("onward").locator(".check-detail").first()).toBeVisible();
			await page.getByTestId("hint-onward").click();
			await expect(lab.step("onward").locator(".hints")).toBeVisible();
			expect(await violations(page)).toEqual([]);
			await page.getByTestId("network-table").click();
			expect(await violations(page)).toEqual([]);
			await page.getByTestId("reset").click();
			await expect(page.getByTestId("confirm")).toBeVisible();
			expect(await violations(page)).toEqual([]);
		});
	});
}
