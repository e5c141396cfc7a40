/** The end of a session, and what is there after it. */
import { expect, test } from "./fixtures";
import { Server } from "./server";

test("a session that is about to end says so, and can be extended", async ({ lab, page }) => {
	const server = await Server.start({
		args: ["--pool=0", "--idle-timeout=2m", "--warn-before=119s"],
		idBase: (1 << 29) + (1 << 28),
	});
	try {
		await lab.open("switching", server.url);
		const banner = page.getByTestId("expires-soon");
		await expect(banner).toBeVisible();
		const before = await expiry();
		const extended = page.waitForResponse((r) => r.url().includes("/extend"));
		await page.getByTestId("extend").click();
		expect((await extended).ok()).toBe(true);
		expect(await expiry()).toBeGreaterThan(before);
		await lab.type("A", "echo still-here");
		await lab.expectScreen(/^still-here$/m);
		await lab.leave(server.url);
		await expect(page.getByTestId("stage-ended")).toBeVisible();
	} finally {
		await page.goto("about:blank");
		await server.stop();
	}

	async function expiry(): Promise<number> {
		const answer = await page.request.get(`${server.url}/api/sessions/${lab.session}`);
		return Date.parse((await answer.json()).expiresAt);
	}
});

test("an ended session offers to open the lab again, and progress is kept", async ({ lab, page }) => {
	await lab.open("namespaces");
	await lab.type("node", "ip netns add red; ip netns add blue");
	await lab.expectPassed("create");
	await page.getByTestId("session").click();
	await page.getByTestId("session-end").click();
	await lab.confirm();
	await expect(page.getByTestId("stage-ended")).toBeVisible();
	await lab.expectPassed("create");
	const again = page.waitForResponse((r) => r.request().method() === "POST" && r.url().includes("/api/sessions?"));
	await page.getByTestId("reopen").click();
	const response = await again;
	expect(response.status()).toBe(201);
	lab.session = (await response.json()).id;
	await lab.ready();
	await lab.expectPassed("create");
	await lab.expectHolds("create", false);
	// The network is a new one.
	await expect(page.locator(".net-frame[data-kind=namespace]")).toHaveCount(0);

	// From the course, too.
	await page.goto("/");
	const card = page.getByTestId("lab-card-namespaces");
	await expect(card).toHaveAttribute("data-state", "begun");
	await card.getByRole("button", { name: /^End the running session/ }).click();
	await expect(card.getByRole("button")).toHaveCount(0);
	await expect(card).toHaveAttribute("data-state", "begun");
});
