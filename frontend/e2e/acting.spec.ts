/** What a teacher does for learners, to them, and with what they leave behind. */
import { violations } from "./axe";
import { expect, test } from "./fixtures";
import type { Learner, Teacher } from "./people";

/** Writes a message to whom the page is about, or, from the class's page, to whom it is for. */
async function say(teacher: Teacher, words: string, to?: RegExp): Promise<void> {
	const { page } = teacher;
	await page.getByTestId(to ? "write-message" : "message-learner").click();
	if (to) {
		const choice = page.getByTestId("message-to").locator("option").filter({ hasText: to });
		await page.getByTestId("message-to").selectOption(await choice.getAttribute("value"));
	}
	await page.getByTestId("message-text").fill(words);
	await page.getByTestId("send-message").click();
	await expect(page.locator("dialog[open]")).toHaveCount(0);
}

/** All that a learner was told, the last first. */
async function told({ page }: Learner): Promise<string[]> {
	await page.getByTestId("messages").click();
	await expect(page.locator(".class-messages")).toBeVisible();
	const said = await page.locator(".class-messages .class-said").allTextContents();
	await page.keyboard.press("Escape");
	return said;
}

test("a teacher tells learners apart: needs, messages, and what is done for one of them", async ({ people }) => {
	test.setTimeout(180_000);
	const teacher = await people.teacher();
	const { page } = teacher;
	const code = await teacher.makeClass("Acting", ["switching"]);
	const class_ = page.url();
	const one = await people.learner(code, "Learner one");
	const two = await people.learner(code, "Learner two");
	for (const { lab } of [one, two]) await lab.open("switching");

	// Put aside until something new goes wrong.
	await two.lab.tellMAC();
	const card = page.getByTestId("help-card").filter({ hasText: two.name });
	for (let n = 1; n <= 4; n++) {
		await two.lab.type("A", "true"); // asking again without having done anything is no other try
		await two.lab.check("up");
		await expect(teacher.cell(two.name, 2).locator(".board-count")).toHaveText(`×${n}`);
	}
	await card.getByRole("button").click();
	await expect(card).toHaveCount(0);
	await expect(teacher.row(two.name)).not.toHaveAttribute("data-help");
	await two.lab.type("A", "true");
	await two.lab.check("up");
	await expect(card).toBeVisible();

	// Names stay off the page while it is on the beamer, wherever they stood.
	await page.getByTestId("hide-names").click();
	await expect(page.locator(".board-rows")).toContainText("#1");
	for (const view of ["steps", "why", "networks"]) {
		await page.getByTestId(`view-${view}`).click();
		expect(await page.locator("body").innerHTML()).not.toMatch(/Learner (one|two)/);
	}
	await page.getByTestId("view-steps").click();
	await page.getByTestId("hide-names").click();

	// Caught up by the teacher: the solutions run, and count as such.
	await teacher.look(one.name, 1);
	await page.getByTestId("learner").click();
	await page.getByTestId("learner-catch-up").click();
	await page.getByLabel("To the step").selectOption("ping");
	await page.getByTestId("catch-up-now").click();
	await one.lab.expectPassed("address");
	await page.getByTestId("learner").click();
	await page.getByTestId("learner-extend").click();
	await expect(page.getByText("The session lasts longer now.")).toBeAttached();
	// To this learner alone.
	await say(teacher, "You were away: the first steps are done.");
	await expect(one.page.getByTestId("message")).toContainText("the first steps are done");
	await page.goBack();
	await expect(teacher.cell(one.name, 3)).toHaveAccessibleName(/caught up by the solution/);

	// To all at a step, and to all.
	await say(teacher, "Look at both ends of the cable.", /step 2,/);
	await expect(two.page.getByTestId("message")).toContainText("both ends");
	await say(teacher, "Five more minutes.", /The whole class/);
	for (const { page: learner } of [one, two]) {
		await expect(learner.getByTestId("message")).toContainText("Five more minutes.");
		// It is read out when it comes: an alert of its own, with who says it.
		await expect(learner.getByRole("alert").filter({ hasText: "Five more minutes." })).toContainText("Teacher:");
	}
	expect(await told(one)).toEqual(["Five more minutes.", "You were away: the first steps are done."]);
	expect(await told(two)).toEqual(["Five more minutes.", "Look at both ends of the cable."]);
	await two.page.reload();
	await two.lab.ready();
	expect(await told(two)).toEqual(["Five more minutes.", "Look at both ends of the cable."]);

	// Reset: the network is as at the beginning, and what has passed stays.
	await teacher.look(one.name, 3);
	await page.getByTestId("learner").click();
	await page.getByTestId("learner-reset").click();
	await page.getByTestId("confirm").click();
	await one.lab.expectHolds("address", false);
	await one.lab.expectPassed("address");
	await one.lab.ready();
	await one.lab.type("A", "clear; ip -br addr show dev eth0");
	expect((await one.lab.rows()).join("\n")).not.toContain("192.168.1.10");
	// The end of the session, on the learner's page and on the teacher's.
	await page.getByTestId("learner").click();
	await page.getByTestId("learner-end").click();
	await page.getByTestId("confirm").click();
	await expect(one.page.getByTestId("stage-ended")).toBeVisible();
	await expect(page.getByRole("heading", { name: "Learner one has no lab open right now." })).toBeVisible();
	expect(await violations(page)).toEqual([]);
	await one.lab.open("switching");
	await expect(page.locator("#lesson")).toBeVisible();
	await one.lab.expectPassed("address");
	await page.goBack();

	// Two hands wait in their order, and one of them is gone when it is taken down.
	for (const { page: learner } of [two, one]) {
		await learner.getByTestId("raise-hand").click();
		await learner.getByTestId("raise").click();
		await expect(learner.getByTestId("lower-hand")).toBeVisible();
	}
	const hands = page.getByTestId("hand");
	await expect(hands).toHaveCount(2);
	await expect(hands.first()).toContainText(two.name);
	await two.page.getByTestId("lower-hand").click();
	await expect(hands).toHaveCount(1);
	await expect(hands).toContainText(one.name);

	// A learner leaves, and takes everything along; the teacher deletes another, and then the class.
	await two.page.goto("/join");
	await two.page.getByRole("button", { name: "Acting" }).click();
	await two.page.getByRole("button", { name: "Leave the class" }).click();
	await two.page.getByTestId("confirm").click();
	await expect(two.page.getByTestId("join-code")).toBeVisible();
	await expect(teacher.row(two.name)).toHaveCount(0);
	await page.getByTestId("class-menu").click();
	await page.getByTestId("class-menu-roster").click();
	await page.getByRole("row", { name: one.name }).getByRole("button").click();
	await page.getByRole("menuitem", { name: "Delete with all data" }).click();
	await page.getByTestId("confirm").click();
	await expect(page.getByRole("rowheader", { name: one.name })).toHaveCount(0);
	await expect(one.page.getByTestId("stage-ended")).toBeVisible();
	one.lab.session = "";
	two.lab.session = "";

	await page.goto(`${class_}/edit`);
	await page.getByRole("button", { name: "Delete the class" }).click();
	await page.getByTestId("confirm").click();
	await expect(page.getByTestId("new-class")).toBeVisible();
	await expect(page.getByRole("link", { name: "Acting" })).toHaveCount(0);
	one.faults.forgive(/404/);
	await one.page.goto(`/join/${code}`);
	await expect(one.page.getByRole("alert")).toBeVisible();
});

test("an assistant sees one class, and is offered nothing that would be refused", async ({ people, baseURL }) => {
	test.setTimeout(120_000);
	const teacher = await people.teacher();
	const { page } = teacher;
	await teacher.makeClass("Not the assistant's", ["switching"]);
	const code = await teacher.makeClass("The assistant's", ["switching"], true);
	const class_ = page.url();
	await page.goto("/teach/staff");
	const login = `assistant-${Date.now()}`;
	await page.getByLabel("Sign-in name").fill(login);
	await page.getByLabel("Name, as learners see it").fill("An assistant");
	await page.getByLabel("Role").selectOption("assistant");
	await page.getByRole("button", { name: "Make a link" }).click();
	const link = (await page.getByTestId("staff-link").locator("code").textContent()) ?? "";
	await page.goto(`${class_}/edit`);
	await page.getByLabel("Sign-in name").fill("nobody-has-this-name");
	teacher.faults.forgive(/404/);
	await page.getByRole("button", { name: "Add", exact: true }).click();
	await expect(page.getByRole("alert")).toBeVisible();
	await page.getByLabel("Sign-in name").fill(login);
	await page.getByRole("button", { name: "Add", exact: true }).click();
	await expect(page.getByRole("button", { name: "Remove An assistant from the class" })).toBeVisible();

	const assistant = await people.stranger();
	const faults = people.faultsOf(assistant);
	await assistant.goto(link);
	await assistant.getByTestId("password").fill("words of an assistant");
	await assistant.getByTestId("again").fill("words of an assistant");
	await assistant.getByTestId("save").click();
	await expect(assistant.getByTestId("class-row")).toHaveCount(1);
	await expect(assistant.getByTestId("new-class")).toHaveCount(0);
	expect(await violations(assistant)).toEqual([]);

	// A learner asks for help; the assistant sees all of it.
	const learner = await people.learner(code, "Learner one");
	await learner.lab.open("switching");
	await learner.page.getByTestId("raise-hand").click();
	await learner.page.getByTestId("raise").click();
	await assistant.getByRole("link", { name: "The assistant's" }).click();
	await expect(assistant.getByTestId("hand")).toBeVisible();
	for (const testid of ["pause", "claim", "hand-done", "write-message"])
		await expect(assistant.getByTestId(testid)).toHaveCount(0);
	await page.goto(class_);
	await page.getByTestId("claim").click();
	await expect(assistant.getByTestId("hand")).toContainText("Teacher is on it");
	await assistant.getByTestId("class-menu").click();
	await expect(assistant.getByRole("menuitem")).toHaveText(["Results", "Recordings"]);
	await assistant.keyboard.press("Escape");
	await assistant.getByTestId("join-code").click();
	const beamer = assistant.getByTestId("join-board");
	await expect(beamer).toBeVisible();
	await expect(beamer.getByRole("button", { name: "New code" })).toHaveCount(0);
	await beamer.getByRole("button", { name: "Close" }).click();

	await assistant.getByTestId("hand").getByRole("link").click();
	await expect(assistant.getByTestId("watch-page")).toBeVisible();
	await expect(learner.page.getByTestId("watched")).toContainText("An assistant");
	await expect(assistant.locator(".terms-panel:not([hidden]) .terms-status")).toContainText("You are only watching.");
	for (const testid of ["learner", "message-learner", "ask-keyboard"])
		await expect(assistant.getByTestId(testid)).toHaveCount(0);
	expect(await violations(assistant)).toEqual([]);

	// Addresses that an assistant has no link to: they say so, and offer no form that would be refused.
	for (const path of [`${class_}/edit`, `${class_}/roster`, "/teach/new", "/teach/staff"]) {
		await assistant.goto(path);
		await expect(assistant.locator("main")).toContainText(/may not|leads nowhere/);
		await expect(assistant.locator("main form")).toHaveCount(0);
	}
	await assistant.goto(`${class_}/results`);
	await expect(assistant.getByRole("rowheader", { name: "Learner one" })).toBeVisible();
	await assistant.goto(`${class_}/recordings`);
	await expect(assistant.getByRole("row", { name: /Learner one/ }).first()).toBeVisible();
	await expect(assistant.getByRole("button", { name: "Delete" })).toHaveCount(0);
	expect(faults.found, "an assistant is refused nothing").toEqual([]);

	// Another password.
	faults.forgive(/401/);
	await assistant.goto("/teach");
	await assistant.getByTestId("account").click();
	await assistant.getByTestId("account-password").click();
	const dialog = assistant.getByRole("dialog");
	const change = async (old: string, fresh: string, again = fresh) => {
		await dialog.getByLabel("Current password").fill(old);
		await dialog.getByLabel("New password", { exact: true }).fill(fresh);
		await dialog.getByLabel("The new password again").fill(again);
		await dialog.getByRole("button", { name: "Save" }).click();
	};
	await change("words of an assistant", "other words in a row", "other words in a raw");
	await expect(dialog.getByRole("alert")).toContainText("differ");
	await change("not the password", "other words in a row");
	await expect(dialog.getByRole("alert")).toContainText("wrong");
	expect(await violations(assistant)).toEqual([]);
	await change("words of an assistant", "other words in a row");
	await expect(dialog).toHaveCount(0);
	await assistant.getByTestId("account").click();
	await assistant.getByTestId("account-sign-out").click();
	await assistant.getByTestId("login").fill(login);
	await assistant.getByTestId("password").fill("words of an assistant");
	await assistant.getByTestId("sign-in").click();
	await expect(assistant.getByRole("alert")).toBeVisible();
	await assistant.getByTestId("password").fill("other words in a row");
	await assistant.getByTestId("sign-in").click();
	await expect(assistant.getByTestId("class-row")).toHaveCount(1);
	await learner.lab.leave(baseURL as string);
});
