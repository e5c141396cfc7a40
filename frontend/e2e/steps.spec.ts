/** Help with a step, and ways back. */
import { expect, test } from "./fixtures";

test("hints come one by one, and the solution after a question", async ({ lab, page }) => {
	await lab.open("switching");
	const step = lab.step("address");
	const more = page.getByTestId("hint-address");
	let all = 0;
	while (await more.isVisible()) {
		await expect(more).toHaveText(`Show hint ${++all}`);
		await more.click();
		await expect(step.locator(".hints > li")).toHaveCount(all);
		// Its answer is there: the button has the next number, or is gone.
		await expect(more.filter({ hasText: `Show hint ${all}` })).toHaveCount(0);
	}
	expect(all).toBeGreaterThanOrEqual(3);
	await expect(step.locator(".solution")).toHaveCount(0);

	await page.getByTestId("solution-address").click();
	await page.keyboard.press("Escape");
	await expect(page.getByTestId("confirm")).toHaveCount(0);
	await expect(step.locator(".solution")).toHaveCount(0);
	await page.getByTestId("solution-address").click();
	await lab.confirm();
	await expect(step.locator(".solution figure.run")).toHaveCount(2);
	await expect(step.locator(".solution figure.run pre").first()).toHaveText("ip addr add 192.168.1.10/24 dev eth0");

	// It is remembered.
	await page.reload();
	await lab.ready();
	await expect(step.locator(".hints > li")).toHaveCount(all);
	await expect(step.locator(".solution figure.run")).toHaveCount(2);

	for (let i = 0; i < 2; i++) await lab.run(step.locator(".solution figure.run").nth(i));
	await lab.expectPassed("address");
});

test("a solution tells an answer in words that the question has", async ({ lab, page }) => {
	await lab.open("namespaces");
	await page.getByTestId("solution-apart").click();
	await lab.confirm();
	const answer = lab.step("apart").locator(".solution strong");
	await expect(answer).toHaveText("No, each namespace has its own table");
	await page.getByTestId("language").click();
	await expect(answer).toHaveText("나오지 않습니다. 테이블은 네임스페이스마다 따로 있습니다");
});

test("a check says what was expected, what was found, and why", async ({ lab, page }) => {
	await lab.open("switching");
	await lab.type("A", "ip addr add 192.168.1.10 dev eth0");
	await page.getByTestId("check-address").click();
	const first = lab.step("address").locator(".check").first();
	await expect(first).toHaveAttribute("data-state", "not");
	await expect(first.locator(".check-expected")).toContainText("192.168.1.10/24");
	await expect(first.locator(".check-detail")).toContainText("192.168.1.10/32");
	await expect(first.locator(".check-detail dt")).toHaveText(["Found", "Why"]);
	await lab.expectPassed("address", false);
	// A wrong answer says why, and a right one passes.
	await lab.answer("learn", "flood", "It drops the packet");
	await expect(page.getByTestId("step-learn")).toContainText("Then nobody could ever start to talk.");
	await lab.answer("learn", "flood", "It sends it out of every other port");
	await expect(page.getByTestId("step-learn")).toContainText("this is called flooding");
});

test("catching up does the steps before, and a reset keeps what has passed", async ({ lab, page }) => {
	await lab.open("namespaces");
	await page.getByTestId("catch-up-talk").click();
	await lab.confirm();
	for (const id of ["create", "inside", "cable", "address"]) await lab.expectPassed(id);
	await expect(page.getByTestId("progress-banner")).toHaveCount(0);
	await expect(lab.step("cable").locator(".status-passed")).toHaveText("caught up");
	await lab.expectPassed("talk", false);
	await lab.expectHolds("cable", true);
	await lab.type("node", "ip -n red -br addr");
	await lab.expectScreen("192.168.15.1/24");

	await page.getByTestId("reset").click();
	await lab.confirm();
	await expect(page.locator(".net-frame[data-kind=namespace]")).toHaveCount(0);
	await lab.ready();
	for (const id of ["create", "cable", "address"]) {
		await lab.expectPassed(id);
		await lab.expectHolds(id, false);
	}
	await expect(lab.step("cable").locator(".status-light")).toHaveText("no longer holds");
	await lab.type("node", "ip netns");
	await lab.type("node", "echo [$(ip netns)]");
	await lab.expectScreen(/^\[\]$/m);
	// What held once holds again, and is said so.
	await lab.type("node", "ip netns add red; ip netns add blue");
	await lab.expectHolds("create", true);
});
