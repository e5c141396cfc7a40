/** The playground: a network of the learner's own, from its first line to its end, in both languages. */
import { expect, test } from "./fixtures";

const words = {
	en: {
		card: "Make a network",
		mistake: /link to unknown node "ws"/,
		place: /^Line 12, column 5/,
		start: "Start the network",
		hosts: /2 hosts, 1 switch, 2 cables/,
	},
	ko: {
		card: "네트워크 만들기",
		mistake: /링크가 가리키는 "ws"/,
		place: /^12행 5열/,
		start: "네트워크 시작",
		hosts: /호스트 2대, 스위치 1대, 케이블 2개/,
	},
};

for (const [lang, t] of Object.entries(words)) {
	test.describe(lang, () => {
		test.use({ locale: lang === "ko" ? "ko-KR" : "en-US" });

		test("a network is picked, broken, mended, started, and ended", async ({ lab, page }) => {
			await page.goto("/");
			await page.getByTestId("play-card").getByRole("link", { name: t.card }).click();
			const editor = page.getByTestId("topology");
			await expect(page.getByTestId("play-status")).toContainText(/[1-9]/);
			await page.getByTestId("ready-routed").click();
			await expect(editor).toHaveValue(/sw2/);
			await expect(page.locator(".play-picture .net-card[data-host=R]")).toBeVisible();
			await page.getByTestId("ready-pair").click();
			await expect(page.getByTestId("ready-pair")).toHaveAttribute("aria-pressed", "true");
			await expect(page.getByTestId("play-status")).toContainText(t.hosts);
			await expect(page.locator(".play-picture .net-card[data-host=R]")).toHaveCount(0);
			await expect(page.locator(".play-picture")).toContainText("192.168.1.10/24");

			// A mistake is shown with its place, and the place is gone to.
			const good = await editor.inputValue();
			await editor.fill(good.replace("- [B:eth0, sw]", "- [B:eth0, ws]"));
			const status = page.getByTestId("play-status");
			await expect(status).toContainText(t.mistake);
			await expect(page.getByTestId("play-start")).toBeDisabled();
			await expect(page.locator(".play-lines li[data-wrong]")).toHaveText("12");
			await status.getByRole("button", { name: t.place }).click();
			await expect(editor).toBeFocused();
			expect(await editor.evaluate((field: HTMLTextAreaElement) => field.selectionStart)).toBe(good.indexOf("[B:eth0"));
			// From there by keyboard: behind "[B:eth0, ", the two letters.
			for (let i = 0; i < "[B:eth0, ".length; i++) await page.keyboard.press("ArrowRight");
			await page.keyboard.press("Delete");
			await page.keyboard.press("Delete");
			await page.keyboard.type("sw");
			await expect(editor).toHaveValue(good);
			await expect(status).toContainText(t.hosts);

			const started = page.waitForResponse(
				(r) => new URL(r.url()).pathname === "/api/playground" && r.request().method() === "POST",
			);
			await page.getByRole("button", { name: t.start }).click();
			const response = await started;
			expect(response.status()).toBe(201);
			lab.session = (await response.json()).id;
			await lab.ready();
			await expect(page).toHaveURL(/\/playground\/network$/);
			await lab.type("A", "ping -c 1 192.168.1.11");
			await lab.expectScreen(/1 received/);
			// The notes run on the hosts that there are.
			await expect(page.locator(".play-notes figure.run").first()).toHaveAttribute("data-host", "A");

			await page.reload();
			await lab.ready();
			await lab.expectScreen(/1 received/);
			await expect(page.locator(".net-card[data-host=B]")).toBeVisible();

			// From the workshop back to what runs; another network asks before it takes the place.
			await page.goto("/playground");
			await expect(page.getByTestId("play-running")).toBeVisible();
			await page.getByTestId("ready-empty").click();
			await page.getByTestId("play-start").click();
			await page.getByTestId("confirm").click();
			await expect(page).toHaveURL(/\/playground\/network$/);
			await lab.ready();
			await expect(page.locator(".net-card[data-host=B]")).toHaveCount(0);
			await page.getByTestId("session").click();
			await page.getByTestId("session-end").click();
			// The event may come before the answer, which the next page would break off.
			const answered = page.waitForResponse((r) => r.request().method() === "DELETE");
			await lab.confirm();
			await expect(page.getByTestId("stage-ended")).toBeVisible();
			await answered;
			lab.session = "";
			await page.goto("/");
			await expect(page.getByTestId("play-card").getByRole("button")).toHaveCount(0);
		});
	});
}

test("a link carries a topology, and leaves one's own alone", async ({ page, context }) => {
	await context.grantPermissions(["clipboard-read", "clipboard-write"]);
	await page.goto("/playground");
	const editor = page.getByTestId("topology");
	await editor.fill("hosts: {mine: {}}\n");
	await page.getByTestId("play-share").click();
	const link = await page.evaluate(() => navigator.clipboard.readText());
	expect(link).toContain("/playground#topology=");
	await editor.fill("hosts: {other: {}}\n");
	await page.goto("about:blank");
	await page.goto(link);
	await expect(editor).toHaveValue("hosts: {mine: {}}\n");
	await expect(page.locator(".play-picture .net-card[data-host=mine]")).toBeVisible();
	await page.getByTestId("play-linked").getByRole("button").click();
	await expect(editor).toHaveValue("hosts: {other: {}}\n");
	await expect(page).toHaveURL(/\/playground$/);
	const download = page.waitForEvent("download");
	await page.getByTestId("play-download").click();
	expect((await download).suggestedFilename()).toBe("topology.yaml");
});

test("the editor indents by Tab, and lets one out by Escape", async ({ page }) => {
	await page.goto("/playground");
	const editor = page.getByTestId("topology");
	await editor.fill("hosts:");
	await page.keyboard.press("End");
	await page.keyboard.press("Enter");
	await page.keyboard.type("A:");
	await page.keyboard.press("Enter");
	await page.keyboard.type("kind: router");
	await expect(editor).toHaveValue("hosts:\n  A:\n    kind: router");
	await page.keyboard.press("Shift+Tab");
	await expect(editor).toHaveValue("hosts:\n  A:\n  kind: router");
	await page.keyboard.press("Control+z");
	await expect(editor).toHaveValue("hosts:\n  A:\n    kind: router");
	await page.keyboard.press("Escape");
	await page.keyboard.press("Tab");
	await expect(editor).not.toBeFocused();
});
