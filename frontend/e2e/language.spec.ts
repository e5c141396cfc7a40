/** The page's language is switched where the server has said much already: nothing of it stays in the other one. */
import { expect, test } from "./fixtures";
import { foreign } from "./foreign";

test("after a switch of the language all that people read is in the new one", async ({ lab, page, faults }) => {
	await lab.open("internet-route");
	const step = lab.step("specific");
	// What a check found and why, a hint, a solution, a prediction.
	await lab.check("specific");
	await expect(step.locator(".check").first()).toBeVisible();
	await page.getByTestId("hint-specific").click();
	await page.getByTestId("solution-specific").click();
	await page.getByTestId("confirm").click();
	const figure = step.locator("figure.predict");
	await figure.getByRole("radio").first().check();
	await figure.getByRole("button").click();
	await expect(page.getByTestId("predicted-specific-back")).toBeVisible();
	// Something that the server refuses, in its own words: a step that there is not.
	faults.forgive(/404/);
	await page.route("**/steps/specific/check*", (route) =>
		route.continue({ url: route.request().url().replace("specific", "nonsense") }),
	);
	await page.getByTestId("check-specific").click();
	const refused = page.locator(".banner.bad");
	await expect(refused).toBeVisible();
	const english = (await refused.textContent()) ?? "";
	expect(await foreign(page, "en")).toEqual([]);

	for (const now of ["ko", "en", "ko"] as const) {
		await page.getByTestId("language").click();
		await expect(page.locator("html")).toHaveAttribute("lang", now);
		if (now === "ko") await expect(refused).not.toHaveText(english);
		else await expect(refused).toHaveText(english);
		// The server's words come a moment later.
		await expect.poll(() => foreign(page, now)).toEqual([]);
	}

	// What is over has nobody who says it again.
	await page.getByTestId("session").click();
	await page.getByTestId("session-end").click();
	await page.getByTestId("confirm").click();
	await expect(page.getByTestId("stage-ended")).toBeVisible();
	for (const now of ["en", "ko"] as const) {
		await page.getByTestId("language").click();
		await expect(page.locator("html")).toHaveAttribute("lang", now);
		await expect.poll(() => foreign(page, now)).toEqual([]);
	}
});

test("the playground says what is wrong, and where a packet ends, in the page's language", async ({ lab, page }) => {
	await page.goto("/playground");
	const editor = page.getByTestId("topology");
	await page.getByTestId("ready-pair").click();
	const good = await editor.inputValue();
	await editor.fill(good.replace("- [B:eth0, sw]", "- [B:eth0, ws]"));
	const status = page.getByTestId("play-status");
	await expect(status).toContainText('link to unknown node "ws"');
	await page.getByTestId("language").click();
	await expect(status).toContainText('링크가 가리키는 "ws"');
	await expect.poll(() => foreign(page, "ko")).toEqual([]);
	await editor.fill(good);
	await page.getByTestId("play-start").click();
	await lab.ready();
	await page.getByTestId("ask-to").fill("192.168.77.1");
	await page.getByTestId("ask").click();
	const answer = page.getByTestId("ask-answer");
	await expect(answer).toContainText(/\p{Script=Hangul}/u);
	await page.getByTestId("language").click();
	await expect(answer).not.toContainText(/\p{Script=Hangul}/u);
	await expect(answer).toContainText(/[a-z]{3}/);
	await expect.poll(() => foreign(page, "en")).toEqual([]);
});

test("a roster's lines that were left out, and what was refused, follow the language", async ({ people }) => {
	const teacher = await people.teacher();
	await teacher.makeClass("Two languages", ["switching"]);
	const { page, faults } = teacher;
	await page.getByTestId("class-menu").click();
	await page.getByTestId("class-menu-roster").click();
	await page.getByTestId("roster-csv").fill("name,id\nAnna,1\n,2\nAnna,3\n");
	await page.getByTestId("roster-add").click();
	const result = page.getByTestId("roster-result");
	await expect(result).toContainText("This name is on the list already.");
	await page.getByTestId("language").click();
	await expect(result).toContainText("이미 명단에 있는 이름입니다.");
	await expect.poll(() => foreign(page, "ko")).toEqual([]);
	// A problem.
	faults.forgive(/400/);
	await page.getByTestId("roster-csv").fill('name\n"not closed\n');
	await page.getByTestId("roster-add").click();
	const problem = page.getByRole("alert").filter({ hasText: "CSV" });
	await expect(problem).toContainText("따옴표를 확인하십시오");
	await page.getByTestId("language").click();
	await expect(problem).toContainText("look at its quotes");
	await expect.poll(() => foreign(page, "en")).toEqual([]);
});
