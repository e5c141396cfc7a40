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
		await lab.begin("A", "clear; for i in $(seq 1 400); do echo line-$i; sleep 0.02; done");
		for (const at of [/line-[3-9]\d$/m, /line-1[5-9]\d$/m]) {
			await lab.expectScreen(at);
			await server.kill();
			await expect(page.getByTestId("connection-lost")).toBeVisible();
			await server.again();
			await expect(page.getByTestId("connection-lost")).toBeHidden();
		}
		await lab.expectScreen("line-400");
		await lab.prompt("A");
		const numbers = (await lab.rows()).flatMap((row) => (/^line-\d+$/.test(row) ? [Number(row.slice(5))] : []));
		expect(numbers.length).toBeGreaterThan(5);
		for (const [i, n] of numbers.entries()) expect(n).toBe(400 - numbers.length + 1 + i);

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
