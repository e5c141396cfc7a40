/** The page as a whole: language, theme, sizes. */
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";

/** How far the document reaches beyond the window. */
const overflow = (page: Page) =>
	page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test("language and theme change at once and stay", async ({ lab, page }) => {
	const html = page.locator("html");
	await page.goto("/");
	await expect(html).toHaveAttribute("lang", "en");
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Networking for Kubernetes");
	await page.getByTestId("language").click();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("쿠버네티스를 위한 네트워킹");
	await expect(html).toHaveAttribute("data-theme", "light");
	await page.getByTestId("theme").click();
	await expect(html).toHaveAttribute("data-theme", "dark");
	await page.reload();
	await expect(html).toHaveAttribute("lang", "ko");
	await expect(html).toHaveAttribute("data-theme", "dark");
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("쿠버네티스를 위한 네트워킹");

	await lab.open("switching");
	await expect(page).toHaveTitle(/스위칭/);
	await lab.type("A", "echo 그대로");
	await page.getByTestId("language").click();
	await expect(page.locator(".lesson h1")).toHaveText("Switching");
	await expect(html).toHaveAttribute("lang", "en");
	// The terminal does not care.
	await lab.expectScreen(/^그대로$/m);
	await page.getByTestId("theme").click();
	await expect(html).toHaveAttribute("data-theme", "light");
	await page.goto("/");
	await expect(html).toHaveAttribute("lang", "en");
	await expect(html).toHaveAttribute("data-theme", "light");
});

test.describe("on a small screen", () => {
	test.use({ viewport: { width: 1024, height: 768 } });

	test("nothing has to be scrolled sideways, and every pane can be had", async ({ lab, page, baseURL }) => {
		await page.goto("/");
		await expect(page.getByTestId("lab-card-switching")).toBeVisible();
		expect(await overflow(page)).toBe(0);
		for (const name of ["routing", "namespaces"]) {
			await lab.open(name);
			expect(await overflow(page)).toBe(0);
			for (const id of ["lesson", "diagram", "terminals"]) await expect(page.locator(`#${id}`)).toBeInViewport();
			const wide = await page
				.locator("#lesson .step")
				.evaluateAll((steps) => steps.filter((step) => step.scrollWidth > step.clientWidth).map((step) => step.id));
			expect(wide).toEqual([]);
			await lab.leave(baseURL as string);
		}
	});

	test("panes fold, and stay folded after a reload", async ({ lab, page }) => {
		await lab.open("switching");
		await page.getByTestId("pane-diagram").click();
		await expect(page.locator("#diagram")).toBeHidden();
		await page.reload();
		await lab.ready();
		await expect(page.locator("#diagram")).toBeHidden();
		await page.getByTestId("pane-diagram").click();
		await expect(page.locator("#diagram")).toBeVisible();
	});
});

test.describe("on a telephone", () => {
	test.use({ viewport: { width: 390, height: 780 } });

	test("one pane at a time fills the window", async ({ lab, page }) => {
		await page.goto("/");
		await expect(page.getByTestId("lab-card-switching")).toBeVisible();
		expect(await overflow(page)).toBe(0);
		const opened = page.waitForResponse((r) => r.request().method() === "POST" && r.url().includes("/api/sessions"));
		await page.getByTestId("lab-card-switching").getByRole("link").click();
		lab.session = (await (await opened).json()).id;
		await expect(page.locator("#lesson")).toBeVisible();
		await expect(page.locator("#terminals")).toBeHidden();
		expect(await overflow(page)).toBe(0);
		await page.getByTestId("pane-terminals").click();
		await expect(page.locator("#lesson")).toBeHidden();
		await lab.type("A", "echo small");
		await lab.expectScreen(/^small$/m);
		await page.getByTestId("pane-diagram").click();
		await expect(page.locator(".net-card[data-host=A]")).toBeVisible();
		expect(await overflow(page)).toBe(0);
	});
});

test("an address that does not exist is said to be missing", async ({ page, faults }) => {
	faults.forgive(/404/);
	await page.goto("/labs/nowhere");
	await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
	await page
		.getByRole("link", { name: /course/i })
		.first()
		.click();
	await expect(page.getByTestId("lab-card-switching")).toBeVisible();
});
