/** The cheat sheet: from the course to a command, and from a command to its step. */
import { expect, test } from "./fixtures";

test("a command is found on the cheat sheet, and leads to its step", async ({ lab, page }) => {
	await page.goto("/");
	await page.getByRole("link", { name: "Cheat sheet of all commands" }).click();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Cheat sheet");
	const all = await page.locator(".cheat-lab").count();
	expect(all).toBeGreaterThanOrEqual(3);

	await page.getByTestId("cheat-filter").fill("arp neigh");
	await expect.poll(() => page.locator(".cheat-lab").count()).toBeLessThan(all);
	const row = page.getByTestId("cheat-lab-switching").getByRole("row", { name: "ip neigh" });
	await expect(row).toContainText("MAC addresses");
	await page.getByTestId("cheat-filter").fill("no such command");
	await expect(page.getByTestId("cheat-count")).toHaveText("0 commands");
	await page.getByTestId("cheat-filter").fill("arp neigh");

	await page.getByTestId("language").click();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("명령 모음");
	await expect(page.getByTestId("cheat-lab-switching")).toContainText("MAC 주소");

	const opened = page.waitForResponse((r) => r.request().method() === "POST" && r.url().includes("/api/sessions"));
	await page
		.getByTestId("cheat-lab-switching")
		.getByRole("link", { name: /ip neigh/ })
		.click();
	lab.session = (await (await opened).json()).id;
	await lab.ready();
	expect(new URL(page.url()).hash).toBe("#ping");
	await expect(lab.step("ping").getByRole("heading", { level: 2 })).toBeInViewport();
});

test("on paper there are the commands, and nothing to press", async ({ page }) => {
	await page.goto("/cheatsheet");
	await expect(page.getByTestId("cheat-lab-switching")).toBeVisible();
	await page.emulateMedia({ media: "print" });
	await expect(page.locator(".cheat-tools")).toBeHidden();
	await expect(page.locator(".cheat-typed").first()).toBeHidden();
	await expect(page.getByTestId("cheat-lab-switching").getByRole("row").nth(1)).toBeVisible();
});
