/** A class: a teacher and learners, each in a browser of their own. */
import { violations } from "./axe";
import { expect, test } from "./fixtures";

/** What differs in the two languages. */
const languages = [
	{
		locale: "en-US",
		word: "English",
		named: "Learner one",
		other: "Learner two",
		question: "The link stays down.",
		said: "Look at step two.",
	},
	{
		locale: "ko-KR",
		word: "Korean",
		named: "학습자 하나",
		other: "학습자 둘",
		question: "링크가 올라오지 않습니다.",
		said: "2단계를 함께 봅니다.",
	},
] as const;

for (const { locale, word, named, other, question, said } of languages) {
	test(`a learner joins, gets stuck, is watched, helped, and passes, in ${word}`, async ({ people }) => {
		test.setTimeout(180_000);
		const look = { locale };
		const teacher = await people.teacher(look);
		const code = await teacher.makeClass(`Networking (${word})`, ["switching"]);
		expect(code).toMatch(/^[A-Z0-9]{6,}$/);

		const one = await people.learner(code, named, look);
		const two = await people.learner(code, other, look);
		await one.lab.open("switching");
		await expect(one.page.getByTestId("class-bar")).toBeVisible();
		await two.lab.open("switching");
		await expect(teacher.row(named)).toBeVisible();
		await expect(teacher.row(other)).toBeVisible();
		expect(await violations(teacher.page)).toEqual([]);

		// Works, then gets stuck: the same check again and again.
		await one.lab.tellMAC();
		await expect(teacher.cell(named, 1)).toHaveAttribute("data-state", "passed");
		for (let n = 1; n <= 4; n++) {
			await one.lab.type("A", "true"); // asking again without having done anything is no other try
			await one.lab.check("up");
			await expect(teacher.cell(named, 2).locator(".board-count")).toHaveText(`×${n}`);
		}
		await expect(teacher.page.getByTestId("help-card").filter({ hasText: named })).toBeVisible();
		// Who needs help stands first, with the reason in words.
		await expect(teacher.page.locator(".board-rows .board-row").first()).toHaveAttribute("data-help", "");
		await teacher.page.getByTestId("view-why").click();
		await expect(teacher.page.getByTestId("causes").getByRole("link", { name: named })).not.toHaveCount(0);
		await teacher.page.getByTestId("view-networks").click();
		await expect(teacher.page.getByTestId("networks").locator(".network-small")).toHaveCount(2);
		await teacher.page.getByTestId("view-steps").click();

		// Asks for help.
		await one.page.getByTestId("raise-hand").click();
		await one.page.getByTestId("hand-text").fill(question);
		await one.page.getByTestId("raise").click();
		const hand = teacher.page.getByTestId("hand");
		await expect(hand).toContainText(question);
		await hand.getByTestId("claim").click();
		await expect(one.page.locator(".class-hand")).toContainText("Teacher");

		// Is watched, and sees that.
		await one.lab.type("A", "echo here-i-am");
		const watched = await teacher.look(named, 2);
		await watched.show("A");
		await watched.expectScreen(/^here-i-am$/m);
		await expect(one.page.getByTestId("watched")).toContainText("Teacher");
		expect(await violations(teacher.page)).toEqual([]);
		// What is typed while one only looks goes nowhere.
		await watched.input.focus();
		await teacher.page.keyboard.type("echo intruder");
		await one.lab.type("A", "echo still-mine");
		await watched.expectScreen(/^still-mine$/m);
		expect((await one.lab.rows()).join("\n")).not.toContain("intruder");

		// Lets the teacher type, and takes the keyboard back.
		await teacher.page.getByTestId("ask-keyboard").click();
		await one.page.getByTestId("allow-keyboard").click();
		await teacher.page.getByTestId("take-keyboard").click();
		await watched.type("A", "ip link set dev eth0 up");
		await expect(one.page.getByTestId("watched")).toHaveAttribute("data-typing", "");
		// Beneath the terminal it says who has the keyboard, and afterwards nothing any more.
		const status = one.page.locator(".terms-panel:not([hidden]) .terms-status");
		await expect(status).toContainText("Teacher");
		await one.page.getByTestId("revoke-keyboard").click();
		await expect(teacher.page.getByTestId("ask-keyboard")).toBeVisible();
		await expect(status).toHaveCount(0);
		await one.lab.type("A", "echo mine-again");
		await one.lab.expectScreen(/^mine-again$/m);
		await expect(status).toHaveCount(0);

		// Goes on alone, and passes.
		await one.lab.type("B", "ip link set dev eth0 up");
		await one.lab.expectPassed("up");
		await teacher.page.getByTestId("hand-done").click();
		await expect(one.page.getByTestId("raise-hand")).toBeVisible();
		await teacher.page.goBack();
		await expect(teacher.cell(named, 2)).toHaveAttribute("data-state", "passed");

		// A message to the class, a pause, the end.
		await teacher.page.getByTestId("write-message").click();
		await teacher.page.getByTestId("message-text").fill(said);
		await teacher.page.getByTestId("send-message").click();
		for (const { page } of [one, two]) await expect(page.getByTestId("message")).toContainText(said);
		await teacher.page.getByTestId("pause").click();
		await expect(two.page.getByTestId("class-paused")).toBeVisible();
		await teacher.page.getByTestId("class-state").getByRole("button").click();
		await expect(two.page.getByTestId("class-paused")).toHaveCount(0);
	});
}
