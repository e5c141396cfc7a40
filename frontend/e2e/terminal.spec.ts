/** Terminals: nothing is lost, nothing comes twice, keys arrive as they were meant. */
import type { CDPSession } from "@playwright/test";
import { expect, lostConnection, test } from "./fixtures";
import { LabPage } from "./lab";

/** A counter that takes some ten seconds, so that there is a middle in which things can happen. */
const last = 2000;
const counter = `clear; for i in $(seq 1 ${last}); do echo line-$i; [ $((i % 20)) = 0 ] && sleep 0.1; done`;

/** Waits until the counter has come to a line, or past it: nobody looks at each. */
async function counted(lab: LabPage, line: number): Promise<void> {
	const newest = async () =>
		Math.max(0, ...(await lab.rows()).map((row) => Number(/^line-(\d+)$/.exec(row)?.[1] ?? 0)));
	await expect.poll(newest).toBeGreaterThanOrEqual(line);
}

/** All lines that the terminal keeps, read page by page from the end; each page must be without a gap. */
async function countedLines(lab: LabPage): Promise<number[]> {
	const seen = new Set<number>();
	await lab.input.focus();
	let before = "";
	for (;;) {
		const rows = await lab.rows();
		const text = rows.join("\n");
		const numbers = rows.flatMap((row) => (/^line-\d+$/.test(row) ? [Number(row.slice(5))] : []));
		for (const [i, n] of numbers.entries()) if (i > 0) expect(n, text).toBe((numbers[i - 1] as number) + 1);
		const first = numbers[0];
		const size = seen.size;
		for (const n of numbers) seen.add(n);
		if (first === 1) {
			// A key leads back to the end.
			await lab.page.keyboard.press("Enter");
			await lab.prompt("A");
			return [...seen].sort((a, b) => a - b);
		}
		expect(size > 0 && text === before, `the lines before line ${first} cannot be reached`).toBe(false);
		before = text;
		await lab.page.keyboard.press("Shift+PageUp");
		// The screen is drawn in the next frame.
		await expect.poll(async () => (await lab.rows()).join("\n")).not.toBe(text);
	}
}

const allLines = Array.from({ length: last }, (_, i) => i + 1);

test("a reload in the middle keeps session, screen and every line", async ({ lab, page }) => {
	await lab.open("switching");
	const session = lab.session;
	await lab.type("A", "echo seen-before");
	await lab.begin("A", counter);
	await counted(lab, 100);
	const resumed = page.waitForResponse((r) => r.request().method() === "POST" && r.url().includes("/api/sessions?"));
	await page.reload();
	expect((await resumed).status()).toBe(200);
	expect((await (await resumed).json()).id).toBe(session);
	await lab.expectScreen(`line-${last}`);
	await lab.prompt("A");
	expect(await countedLines(lab)).toEqual(allLines);
	// And it takes keys.
	await lab.type("A", "echo still-$((40 + 2))");
	await lab.expectScreen(/^still-42$/m);
});

test("a connection that breaks in the middle comes back with every byte once, both ways", async ({
	lab,
	cable,
	faults,
}) => {
	faults.forgive(...lostConnection);
	await lab.open("switching", cable.url);
	await lab.begin("A", counter);
	for (const line of [200, 600, 1200]) {
		await counted(lab, line);
		cable.drop();
	}
	await lab.expectScreen(`line-${last}`);
	await lab.prompt("A");
	expect(await countedLines(lab)).toEqual(allLines);
	// Keys that fall into the gap arrive once.
	await lab.input.focus();
	await lab.page.keyboard.type("echo one-");
	cable.drop();
	await lab.page.keyboard.type("two-three");
	await lab.page.keyboard.press("Enter");
	await lab.expectScreen(/^one-two-three$/m);
	expect((await lab.rows()).filter((row) => row === "one-two-three")).toHaveLength(1);
});

test("a lost connection is said, and ends by itself", async ({ lab, page, cable, faults }) => {
	faults.forgive(...lostConnection);
	await lab.open("switching", cable.url);
	cable.cut();
	await expect(page.getByTestId("connection-lost")).toBeVisible();
	await expect(lab.panel.locator(".terms-status")).toContainText("The connection is lost.");
	await lab.input.focus();
	await page.keyboard.type("echo typed-without-a-line");
	cable.mend();
	await expect(page.getByTestId("connection-lost")).toHaveCount(0);
	await lab.expectScreen("echo typed-without-a-line");
	await page.keyboard.press("Enter");
	await lab.expectScreen(/^typed-without-a-line$/m);
	await lab.type("B", "ip link set dev eth0 up");
	await expect(page.locator('[data-device="B//eth0"]')).not.toHaveAttribute("data-state", "off");
});

/** Composes one syllable as a Hangul keyboard does: every key is the input method's, and the last one commits. */
async function compose(cdp: CDPSession, ...stages: string[]): Promise<void> {
	const key = (type: "rawKeyDown" | "keyUp", windowsVirtualKeyCode: number) =>
		cdp.send("Input.dispatchKeyEvent", { type, windowsVirtualKeyCode, key: "Process", code: "KeyA" });
	for (const text of stages) {
		await key("rawKeyDown", 229);
		await cdp.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
		await key("keyUp", 65);
	}
	await cdp.send("Input.insertText", { text: stages.at(-1) ?? "" });
}

test("Hangul that is composed arrives once", async ({ lab, page }) => {
	await lab.open("switching");
	await lab.write("echo ");
	const cdp = await page.context().newCDPSession(page);
	await compose(cdp, "ㅎ", "하", "한");
	await compose(cdp, "ㄱ", "그", "글");
	await lab.expectScreen(/# echo 한글$/m);
	await page.keyboard.press("Enter");
	await lab.expectScreen(/^한글$/m);
	await lab.type("A", "echo -n 한글 | wc -c");
	await lab.expectScreen(/^6$/m);
});

test("what a program prints names no window, writes no clipboard and makes no link", async ({ lab, page, context }) => {
	await context.grantPermissions(["clipboard-read", "clipboard-write"]);
	await lab.open("switching");
	await page.evaluate(() => navigator.clipboard.writeText("mine"));
	const title = await page.title();
	const others: string[] = [];
	context.on("page", (other) => others.push(other.url()));
	const sequences = [
		"\\e]0;stolen\\a\\e]2;stolen\\a", // the window's title
		`\\e]52;c;${Buffer.from("stolen").toString("base64")}\\a\\e]52;c;?\\a`, // the clipboard, to write and to read
		"\\e]8;;http://127.0.0.1:1/\\atar\\e]8;;\\aget", // a link
	];
	await lab.type("A", `printf '${sequences.join("")}\\n'`);
	await lab.expectScreen(/^target$/m);
	const link = lab.panel.locator(".xterm-rows > div", { hasText: /^target\s*$/ });
	// By force, as the terminal's own layer lies above its rows and takes the click.
	await link.click({ position: { x: 8, y: 6 }, force: true });
	await link.click({ position: { x: 8, y: 6 }, force: true, modifiers: ["Control"] });
	// What would be opened, written or answered would be so before the next command is done.
	await lab.type("A", "echo calm");
	await lab.expectScreen(/^calm$/m);
	expect(others).toEqual([]);
	expect(await page.title()).toBe(title);
	expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("mine");
});

test("a flood ends with Ctrl-C", async ({ lab, page }) => {
	await lab.open("switching");
	await lab.begin("A", "yes");
	await lab.expectScreen(/(^y\n){5}/m);
	const began = performance.now();
	await page.keyboard.press("Control+c");
	await expect
		.poll(async () => (await lab.rows()).at(-1) ?? "", { timeout: 10_000, intervals: [20] })
		.toMatch(/^root@A:~#$/);
	console.log(`    the prompt came back ${Math.round(performance.now() - began)} ms after Ctrl-C`);
	await lab.type("A", "echo calm");
	await lab.expectScreen(/^calm$/m);
});

test("a shell that ends offers a new one, and a host has several", async ({ lab, page }) => {
	await lab.open("switching");
	await lab.type("A", "first=1");
	await lab.begin("A", "exit 3");
	await expect(lab.panel.locator(".terms-status")).toContainText("The shell has ended with exit status 3.");
	await expect(lab.tab("A")).toHaveAttribute("data-state", "ended");
	await lab.panel.getByRole("button", { name: "Open a new shell" }).click();
	await lab.show("A");
	await lab.type("A", 'echo "first is [$first]"');
	await lab.expectScreen(/^first is \[\]$/m);
	// By the key, too.
	await lab.begin("A", "exit");
	await expect(lab.tab("A")).toHaveAttribute("data-state", "ended");
	await page.keyboard.press("Enter");
	await lab.show("A");

	await page.getByRole("button", { name: "Another shell on A" }).click();
	await expect(lab.tab("A 2")).toHaveAttribute("aria-selected", "true");
	await lab.type("A 2", "touch /tmp/from-the-second");
	await lab.type("A", "ls /tmp");
	await lab.expectScreen("from-the-second");
	await lab.show("A 2");
	await page.getByRole("button", { name: "Close the shell A 2" }).click();
	await expect(lab.tab("A 2")).toHaveCount(0);
	await lab.show("A");
});

test("two pages of one session: one types, the other watches, and they can change", async ({ lab, context }) => {
	await lab.open("switching");
	const other = new LabPage(await context.newPage());
	await other.open("switching");
	expect(other.session).toBe(lab.session);
	const watching = "Another window has the keyboard.";
	await expect(other.panel.locator(".terms-status")).toContainText(watching);

	await lab.page.bringToFront();
	await lab.type("A", "echo from-the-first");
	await other.expectScreen(/^from-the-first$/m);

	await other.page.bringToFront();
	await other.panel.getByRole("button", { name: "Take the keyboard" }).click();
	await expect(other.panel.locator(".terms-status")).toHaveCount(0);
	await other.type("A", "echo from-the-second");
	await lab.page.bringToFront();
	await lab.expectScreen(/^from-the-second$/m);
	await expect(lab.panel.locator(".terms-status")).toContainText(watching);
	// What the first types now goes nowhere.
	await lab.input.focus();
	await lab.page.keyboard.type("echo lost");
	await other.page.bringToFront();
	await other.type("A", "echo the-end");
	await other.expectScreen(/^the-end$/m);
	expect((await other.rows()).join("\n")).not.toContain("echo lost");
});
