/** What a teacher does around a class: accounts, rosters, recordings, results. */
import { readFileSync } from "node:fs";
import { violations } from "./axe";
import { expect, test } from "./fixtures";

/** Whether it is a whole asciicast v3 (https://docs.asciinema.org/manual/asciicast/v3/) of what was typed, with marks where checks passed. */
function expectCast(text: string): void {
	const [head = "", ...lines] = text.trimEnd().split("\n");
	expect(JSON.parse(head)).toMatchObject({
		version: 3,
		term: { cols: expect.any(Number), rows: expect.any(Number) },
		timestamp: expect.any(Number),
	});
	const events = lines.filter((line) => !line.startsWith("#")).map((line) => JSON.parse(line));
	for (const event of events) {
		expect(event).toEqual([expect.any(Number), expect.stringMatching(/^[oimrx]$/), expect.any(String)]);
		expect(event[0]).toBeGreaterThanOrEqual(0);
	}
	const all = (code: string) => events.filter((event) => event[1] === code).map((event) => event[2]);
	expect(all("o").join("")).toContain("ip link set dev eth0 up");
	expect(all("m").length).toBeGreaterThan(0);
}

test("a teacher is invited, sets a password by the link, and signs in", async ({ people, page, faults }) => {
	faults.forgive(/401/);
	const owner = await people.teacher();
	await owner.page.goto("/teach/staff");
	const login = `teacher-${Date.now()}`;
	await owner.page.getByLabel("Sign-in name").fill(login);
	await owner.page.getByLabel("Name, as learners see it").fill("Second teacher");
	await owner.page.getByRole("button", { name: "Make a link" }).click();
	const link = (await owner.page.getByTestId("staff-link").locator("code").textContent()) ?? "";
	expect(link).toMatch(/\/teach\/setup#.{20,}/);
	expect(await violations(owner.page)).toEqual([]);

	await page.goto(link);
	await expect(page.getByTestId("login")).toHaveValue(login);
	await page.getByTestId("password").fill("some words in a row");
	await page.getByTestId("again").fill("some words in a row");
	await page.getByTestId("save").click();
	await expect(page.getByTestId("new-class")).toBeVisible();
	expect(page.url()).not.toContain("#");
	await page.getByTestId("account").click();
	await page.getByTestId("account-sign-out").click();
	await expect(page.getByTestId("sign-in")).toBeVisible();
	expect(await violations(page)).toEqual([]);
	await page.getByTestId("login").fill(login);
	await page.getByTestId("password").fill("not the password");
	await page.getByTestId("sign-in").click();
	await expect(page.getByRole("alert")).toBeVisible();
	await page.getByTestId("password").fill("some words in a row");
	await page.getByTestId("sign-in").click();
	await expect(page.getByTestId("new-class")).toBeVisible();
});

test("a roster says which lines it could not take; its learners come back by their codes", async ({ people }) => {
	const teacher = await people.teacher();
	const code = await teacher.makeClass("Roster", ["switching", "routing"]);
	const { page } = teacher;
	await page.getByTestId("class-menu").click();
	await page.getByTestId("class-menu-roster").click();
	await page.getByTestId("roster-csv").fill("name,id\nLearner one,1\n,2\nLearner two,3\nLearner one,1\n");
	await page.getByTestId("roster-add").click();
	const result = page.getByTestId("roster-result");
	await expect(result).toContainText("2 learners were added.");
	await expect(result).toContainText("Line 3");
	await expect(result).toContainText("Line 5");
	await expect(page.getByRole("rowheader", { name: "Learner two" })).toBeVisible();
	expect(await violations(page)).toEqual([]);

	const learner = await people.learner(code, "Learner one");
	await expect(learner.page.getByTestId("begin")).toBeVisible();
	expect(await violations(learner.page)).toEqual([]);
	// On another device, by the personal code.
	const other = await people.stranger();
	await other.goto("/back");
	await other.getByTestId("personal-code").fill(learner.code.toLowerCase());
	await other.getByTestId("back").click();
	await expect(other.getByTestId("my-code")).toHaveText(learner.code);
	await expect(other.getByRole("heading", { level: 1 })).toContainText("Learner one");
});

test("a recorded class can be played back, shown a terminal, broken, and reported on", async ({ people }) => {
	test.setTimeout(180_000);
	const teacher = await people.teacher();
	const { page } = teacher;
	const code = await teacher.makeClass("Recorded", ["switching"], true);
	const learner = await people.learner(code, "Learner one");
	const { lab } = learner;
	await lab.open("switching");
	await expect(learner.page.locator(".class-recorded")).toBeVisible();
	await lab.type("A", "ip link set dev eth0 up");
	await lab.type("B", "ip link set dev eth0 up");
	await lab.expectPassed("up");
	await lab.type("A", "ip addr add 192.168.1.10/24 dev eth0");
	await lab.type("B", "ip addr add 192.168.1.11/24 dev eth0");
	await lab.expectPassed("address");

	// The teacher's own terminal, shown to the class.
	const own = await teacher.ownLab("switching");
	await own.type("A", "echo shown-to-all");
	await page.getByTestId("class-menu").click();
	await page.getByTestId("class-menu-broadcast").click();
	await page.getByRole("radio").first().check();
	await page.getByTestId("show-terminal").click();
	const shown = learner.page.getByTestId("broadcast");
	await expect(shown).toContainText("shown-to-all");
	await own.type("A", "echo and-live");
	await expect(shown).toContainText("and-live");
	expect(await violations(learner.page)).toEqual([]);
	await learner.page.getByTestId("broadcast-toggle").click();
	await expect(shown).toHaveCount(0);
	await own.leave(new URL(page.url()).origin);

	// Something breaks on purpose; who repairs it is seen.
	await page.getByTestId("class-menu").click();
	await page.getByTestId("class-menu-fault").click();
	await page.getByTestId("fault-card-off").check();
	await page.getByTestId("inject").click();
	await expect(learner.page.getByTestId("fault")).toBeVisible();
	await expect(page.getByTestId("faults")).toContainText("0 of 1");
	await lab.type("B", "ip link set dev eth0 up");
	await expect(page.getByTestId("faults")).toContainText("1 of 1");
	await expect(learner.page.getByTestId("fault")).toHaveCount(0);

	// The end of the class, what it leaves, and what is left out of it.
	await page.getByTestId("class-menu").click();
	await page.getByTestId("class-menu-end").click();
	await page.getByTestId("confirm").click();
	await expect(page.getByTestId("class-state")).toBeVisible();
	await page.getByTestId("class-menu").click();
	await page.getByTestId("class-menu-recordings").click();
	await page
		.getByRole("row")
		.filter({ hasText: "Learner one" })
		.filter({ has: page.getByRole("cell", { name: "A", exact: true }) })
		.getByRole("link")
		.first()
		.click();
	await expect(page.getByTestId("player")).toBeVisible();
	// The network beside it is the one of that moment.
	const eth0 = page.locator('.player-network [data-device="A//eth0"]');
	await expect(eth0).toHaveAttribute("data-state", "off");
	await page
		.getByRole("slider")
		.fill(await page.getByRole("slider").evaluate((input) => (input as HTMLInputElement).max));
	await expect(page.locator(".player-screen")).toContainText("ip link set dev eth0 up");
	await expect(eth0).toContainText("192.168.1.10/24");
	expect(await violations(page)).toEqual([]);
	const kept = page.waitForEvent("download");
	await page.getByRole("link", { name: "Download" }).click();
	expectCast(readFileSync(await (await kept).path(), "utf8"));
	await page.goBack();
	const rows = page.locator("tbody tr");
	const recordings = await rows.count();
	await rows.first().getByRole("button", { name: "Delete" }).click();
	await page.getByTestId("confirm").click();
	await expect(rows).toHaveCount(recordings - 1);
	await page.goBack();
	await page.getByTestId("class-menu").click();
	await page.getByTestId("class-menu-results").click();
	await expect(page.getByRole("rowheader", { name: "Learner one" })).toBeVisible();
	const download = page.waitForEvent("download");
	await page.getByRole("link", { name: "CSV" }).click();
	expect(readFileSync(await (await download).path(), "utf8")).toContain("Learner one");
	expect(await violations(page)).toEqual([]);
});
