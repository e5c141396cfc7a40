/** The server is killed and started again: a learner's page goes on by itself. */
import { expect, lostConnection, test } from "./fixtures";
import { LabPage } from "./lab";
import { Server } from "./server";

test("a killed server costs a page not one byte, and nothing that was typed", async ({ page, faults }) => {
	faults.forgive(...lostConnection);
	const server = await Server.start({ args: ["--pool=0"], idBase: (1 << 29) + (1 << 27) });
	try {
		const lab = new LabPage(page);
		await lab.open("switching", server.url);
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
			await expect(page.getByTestId("connection-lost")).toBeVisible();
			await server.again();
			await expect(page.getByTestId("connection-lost")).toBeHidden();
		}
		const before = await last();
		await expect.poll(last).toBeGreaterThan(before + 20);
		await lab.input.focus();
		await page.keyboard.press("q");
		await lab.prompt("A");
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
		await lab.leave(server.url);
	} finally {
		await page.close();
		await server.stop();
	}
});
