/** The server is killed and started again: a learner's page goes on by itself, and so does the teacher's. */
import { expect, lostConnection, test } from "./fixtures";
import { People, setUpOwner } from "./people";
import { Server } from "./server";

test("a killed server costs a page not one byte, and nothing that was typed; a class loses nothing", async ({
	browser,
}) => {
	const server = await Server.start({ args: ["--pool=0"], idBase: (1 << 29) + (1 << 27) });
	const people = new People(browser, server.url);
	try {
		await setUpOwner(server);
		const teacher = await people.teacher();
		const code = await teacher.makeClass("Restarted", ["switching"]);
		const { page, lab, name } = await people.learner(code, "Learner one");
		people.forgive(...lostConnection);
		await lab.open("switching");
		await lab.check("up");
		await expect(teacher.cell(name, 2).locator(".board-count")).toHaveText("×1");
		await page.getByTestId("raise-hand").click();
		await page.getByTestId("hand-text").fill("Does this outlive a server?");
		await page.getByTestId("raise").click();
		await expect(teacher.page.getByTestId("hand")).toContainText("Does this outlive a server?");
		await teacher.page.evaluate(() => Object.assign(window, { neverLoadedAnew: true }));
		await lab.type("A", "echo seen-before; X=remembered");
		const numbers = async () =>
			(await lab.rows()).flatMap((row) => (/^line-\d+$/.test(row) ? [Number(row.slice(5))] : []));
		const last = async () => (await numbers()).at(-1) ?? 0;
		// A line each 20 ms until a key comes, however long the server is away.
		await lab.begin("A", "clear; i=0; until read -rsn1 -t 0.02; do echo line-$((++i)); done");
		for (let kills = 0; kills < 2; kills++) {
			const before = await last();
			await expect.poll(last).toBeGreaterThan(before + 20);
			await server.kill();
			for (const one of [page, teacher.page]) await expect(one.getByTestId("connection-lost")).toBeVisible();
			await server.again();
			for (const one of [page, teacher.page]) await expect(one.getByTestId("connection-lost")).toBeHidden();
		}
		const before = await last();
		await expect.poll(last).toBeGreaterThan(before + 20);
		// A key that comes just as a read ends for want of one is lost to the shell: Enter, until one has come in time.
		await expect
			.poll(async () => {
				await lab.input.press("Enter");
				return /^root@A:\S*#$/.test((await lab.rows()).at(-1) ?? "");
			})
			.toBe(true);
		const shown = await numbers();
		expect(shown.length).toBeGreaterThan(5);
		for (const [i, n] of shown.entries()) expect(n).toBe((shown[0] as number) + i);

		// What is typed while nobody listens arrives once.
		await lab.input.focus();
		await page.keyboard.type("echo one-");
		await server.kill();
		await page.keyboard.type("two-$X");
		await page.keyboard.press("Enter");
		await server.again();
		await lab.expectScreen(/^one-two-remembered$/m);
		expect((await lab.rows()).filter((row) => row === "one-two-remembered")).toHaveLength(1);
		// The session is the one of before, not another.
		const session = lab.session;
		await page.reload();
		await lab.ready();
		await lab.expectScreen(/^one-two-remembered$/m);
		const id = await page.evaluate(async (name) => (await (await fetch(`/api/sessions/${name}`)).json()).id, session);
		expect(id).toBe(session);

		// The teacher's grid has gone on by itself: what was there still is, and what comes arrives.
		await expect(teacher.page.getByTestId("hand")).toContainText("Does this outlive a server?");
		await expect(teacher.cell(name, 2)).toHaveAttribute("data-state", "failed");
		for (const host of ["A", "B"]) await lab.type(host, "ip link set dev eth0 up");
		await expect(teacher.cell(name, 2)).toHaveAttribute("data-state", "passed");
		await teacher.page.getByTestId("claim").click();
		await expect(page.locator(".class-hand")).toContainText("Teacher is coming to you.");
		expect(await teacher.page.evaluate(() => "neverLoadedAnew" in window)).toBe(true);
		expect(await people.leave(), "what the browsers complained about").toEqual([]);
	} finally {
		try {
			await people.leave();
		} finally {
			await server.stop();
		}
	}
});
