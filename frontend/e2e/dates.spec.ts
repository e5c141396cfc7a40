/** When a class begins and ends: by its days, and by its teacher. */
import { expect, lostConnection, test } from "./fixtures";
import { foreign } from "./foreign";
import { People, setUpOwner } from "./people";
import { Server } from "./server";

/**
 * Two time zones 26 hours apart: whenever this runs, a day that is today for a server in the one is over for the same
 * server in the other, and one that is to come may have begun. So a restart takes the class's days on, and no clock is set.
 */
const west = "Etc/GMT+12";
const east = "Etc/GMT-14";

/** A day of a zone, as dates are written in forms. */
function dayIn(zone: string, offset = 0): string {
	const then = new Date(Date.now() + offset * 24 * 60 * 60 * 1000);
	return new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(then);
}

test("a class opens its labs with its first day, and ends with its last one, sessions and all", async ({ browser }) => {
	test.setTimeout(240_000);
	const server = await Server.start({ args: ["--pool=0"], idBase: (1 << 29) + (1 << 28), zone: west });
	const people = new People(browser, server.url);
	try {
		await setUpOwner(server);
		const teacher = await people.teacher();
		const [today, tomorrow] = [dayIn(west), dayIn(west, 1)];
		// In the east, where it is a day later at least, the first of them has begun and the other one is over.
		expect(dayIn(east) >= tomorrow).toBe(true);

		const later = await people.learner(
			await teacher.makeClass("To begin", ["switching"], false, { first: tomorrow }),
			"Learner early",
		);
		await expect(later.page.getByTestId("begins")).toBeVisible();
		await expect(later.page.getByTestId("begin")).toHaveCount(0);
		later.faults.forgive(/40[39]/);
		await later.page.goto("/labs/switching");
		const closed = later.page.getByTestId("stage-failed");
		await expect(closed).toContainText(/begins on|opens/);
		const told = (await closed.textContent()) ?? "";
		await later.page.getByTestId("language").click();
		await expect(closed).not.toHaveText(told);
		await expect.poll(() => foreign(later.page, "ko")).toEqual([]);
		await later.page.getByTestId("language").click();

		const now = await people.learner(
			await teacher.makeClass("Ends today", ["switching"], false, { last: today }),
			"Learner late",
		);
		await now.lab.open("switching");
		await now.lab.tellMAC();
		await expect(teacher.cell("Learner late", 1)).toHaveAttribute("data-state", "passed");
		people.forgive(...lostConnection);

		await server.kill();
		await server.again({ zone: east });
		// The day is over: the session ends, the learner is told why, and the teacher sees it.
		const ended = now.page.getByTestId("stage-ended");
		await expect(ended).toContainText("Your class has ended", { timeout: 90_000 });
		await expect(now.page.getByTestId("class-paused")).toContainText("The class has ended.");
		await expect(teacher.page.getByTestId("class-state")).toContainText("ended");
		await expect(teacher.cell("Learner late", 1)).toHaveAttribute("data-state", "passed");
		// The other one's first day has come.
		await later.page.goto("/labs/switching");
		await later.lab.ready();
		await expect(later.page.getByTestId("class-bar")).toBeVisible();
		await expect(later.page.getByTestId("class-paused")).toHaveCount(0);

		// Opened again, it has no last day any more, and goes on.
		await teacher.page.getByTestId("class-state").getByRole("button").click();
		await expect(teacher.page.getByTestId("class-state")).toHaveCount(0);
		// The page hears of the class though its session is over.
		await expect(now.page.getByTestId("class-paused")).toHaveCount(0);
		await expect(now.page.getByTestId("raise-hand")).toBeVisible();
		await now.page.getByTestId("reopen").click();
		await now.lab.ready();
		await expect(now.page.getByTestId("raise-hand")).toBeVisible();
		await expect(now.page.getByTestId("class-paused")).toHaveCount(0);
		expect(await people.leave()).toEqual([]);
	} finally {
		await people.leave();
		await server.stop();
	}
});

for (const { locale, word, ended, over } of [
	{ locale: "en-US", word: "English", ended: "Your class has ended", over: "The class has ended." },
	{ locale: "ko-KR", word: "Korean", ended: "수업이 끝나 실습도 끝냈습니다", over: "수업이 끝났습니다." },
] as const) {
	test(`a teacher ends a class in which people work, and opens it again, in ${word}`, async ({ people }) => {
		test.setTimeout(180_000);
		const look = { locale };
		const other = locale === "ko-KR" ? "en" : "ko";
		const teacher = await people.teacher(look);
		const code = await teacher.makeClass(`Ended (${word})`, ["switching"]);
		const one = await people.learner(code, "Learner one", look);
		const two = await people.learner(code, "Learner two", look);
		for (const { lab } of [one, two]) await lab.open("switching");
		await one.lab.tellMAC();
		await expect(teacher.cell(one.name, 1)).toHaveAttribute("data-state", "passed");
		await teacher.page.getByTestId("class-menu").click();
		await teacher.page.getByTestId("class-menu-end").click();
		await teacher.page.getByTestId("confirm").click();
		await expect(teacher.page.getByTestId("class-state")).toBeVisible();
		for (const { page } of [one, two]) {
			await expect(page.getByTestId("stage-ended")).toContainText(ended);
			await expect(page.getByTestId("class-paused")).toContainText(over);
			await expect(page.getByTestId("raise-hand")).toHaveCount(0);
		}
		// Why, in the other language, too.
		await one.page.getByTestId("language").click();
		await expect(one.page.getByTestId("stage-ended")).not.toContainText(ended);
		await expect.poll(() => foreign(one.page, other)).toEqual([]);
		await one.page.getByTestId("language").click();
		await expect(one.page.getByTestId("stage-ended")).toContainText(ended);

		// The one goes on alone, and the class is off the page; the other one's page is without it from the next time on.
		await one.page.getByTestId("practise-alone").click();
		await expect(one.page.getByTestId("class-bar")).toHaveCount(0);
		await one.page.getByTestId("reopen").click();
		await one.lab.ready();
		await expect(one.page.getByTestId("class-bar")).toHaveCount(0);
		await two.page.goto("/labs/switching");
		await two.lab.ready();
		await expect(two.lab.step("up")).toBeVisible();
		await expect(two.page.getByTestId("class-paused")).toHaveCount(0);
		// What is done now is no matter of the class's.
		await one.lab.type("A", "ip link set dev eth0 up");
		await one.lab.type("B", "ip link set dev eth0 up");
		await one.lab.expectPassed("up");
		await expect(teacher.cell(one.name, 2)).not.toHaveAttribute("data-state", "passed");

		// Opened again: both are in it as before, with what they have done since.
		await teacher.page.getByTestId("class-state").getByRole("button").click();
		await expect(teacher.page.getByTestId("class-state")).toHaveCount(0);
		for (const { page } of [one, two]) await expect(page.getByTestId("raise-hand")).toBeVisible();
		await expect(teacher.cell(one.name, 2)).toHaveAttribute("data-state", "passed");

		// The next end is told again; who leaves is deleted.
		await teacher.page.getByTestId("class-menu").click();
		await teacher.page.getByTestId("class-menu-end").click();
		await teacher.page.getByTestId("confirm").click();
		await expect(two.page.getByTestId("class-paused")).toContainText(over);
		await two.page.getByTestId("leave-class").click();
		await two.page.getByTestId("confirm").click();
		await expect(two.page.getByTestId("class-bar")).toHaveCount(0);
		await expect(teacher.row(two.name)).toHaveCount(0);
		await expect(teacher.row(one.name)).toHaveCount(1);
		// Whom the teacher takes off the list hears of it, too.
		await teacher.page.getByTestId("class-state").getByRole("button").click();
		await expect(one.page.getByTestId("raise-hand")).toBeVisible();
		await teacher.page.getByTestId("class-menu").click();
		await teacher.page.getByTestId("class-menu-roster").click();
		await teacher.page.getByRole("row").filter({ hasText: one.name }).getByRole("button").last().click();
		await teacher.page.getByRole("menuitem").last().click();
		await teacher.page.getByTestId("confirm").click();
		await expect(one.page.getByTestId("stage-ended")).toBeVisible();
		await expect(one.page.getByTestId("class-bar")).toHaveCount(0);
	});
}
