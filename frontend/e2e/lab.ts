/** The lab page as a learner uses it. */
import { expect, type Locator, type Page } from "@playwright/test";

export interface Command {
	host: string;
	line: string;
}

/** Whether the shell waits for a command since it echoed one: what runs in the background may print behind the prompt. */
function done(rows: string[], host: string, command: string): boolean {
	// Of several lines, the last; a narrow terminal breaks a long one.
	const begin = (command.trimEnd().split("\n").at(-1) ?? "").slice(0, 30);
	const echo = begin === "" ? -1 : rows.findLastIndex((row) => row.includes(begin));
	return rows.slice(echo + 1).some((row) => {
		const after = new RegExp(`^root@${host}:\\S*#(.*)$`).exec(row)?.[1]?.trim();
		// Not yet where the command is only beginning to show.
		return after === "" || (after !== undefined && !command.includes(after));
	});
}

export class LabPage {
	readonly page: Page;
	session = "";

	constructor(page: Page) {
		this.page = page;
	}

	/** Opens the lab and waits until its first terminal has its prompt. */
	async open(name: string, origin = ""): Promise<void> {
		const opened = this.page.waitForResponse(
			(r) => r.request().method() === "POST" && new URL(r.url()).pathname === "/api/sessions" && r.ok(),
		);
		await this.page.goto(`${origin}/labs/${name}`);
		this.session = (await (await opened).json()).id;
		await this.ready();
	}

	async ready(): Promise<void> {
		await expect(this.page.getByTestId("lab-page")).toBeVisible();
		await expect(this.page.locator("[data-testid^=stage-]")).toHaveCount(0);
		await this.prompt(await this.host());
	}

	/** Ends the session: the next test needs its memory. */
	async leave(origin: string): Promise<void> {
		if (this.session === "") return;
		await this.page.request.delete(`${origin}/api/sessions/${this.session}`, { headers: { Origin: origin } });
		this.session = "";
	}

	// Steps.

	step(id: string): Locator {
		return this.page.getByTestId(`step-${id}`);
	}

	async stepIds(): Promise<string[]> {
		return this.page.locator("section.step").evaluateAll((steps) => steps.map((step) => step.id));
	}

	async expectPassed(id: string, passed = true): Promise<void> {
		await expect(this.step(id)).toHaveAttribute("data-passed", String(passed));
	}

	async expectHolds(id: string, holds: boolean): Promise<void> {
		await expect(this.step(id)).toHaveAttribute("data-holds", String(holds));
	}

	/** Asks for a check of the step, and waits until the page has the answer: it asks once at a time. */
	async check(id: string): Promise<void> {
		const button = this.page.getByTestId(`check-${id}`);
		await expect(button).not.toHaveAttribute("aria-busy", "true");
		await button.click();
	}

	/** The solution as the server tells it. */
	async solution(step: string): Promise<Command[]> {
		return this.page.evaluate(
			async ([session, id]) => {
				const lang = document.documentElement.lang;
				const answer = await fetch(`/api/sessions/${session}/steps/${id}/solution?lang=${lang}`, {
					method: "POST",
					headers: { "Content-Type": "application/json" },
					body: "{}",
				});
				return (await answer.json()).solution;
			},
			[this.session, step] as const,
		);
	}

	/** What the solution answers to a question, in the words of the page's language. */
	async rightAnswer(step: string, name: string): Promise<string> {
		const given = (await this.solution(step)).filter((c) => c.host === "answer").map((c) => c.line);
		const named = given.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
		const value = named ?? given[(await this.questions(step)).indexOf(name)] ?? "";
		return this.page.evaluate(
			async ([lab, id, question, right]) => {
				const choices = async (lang: string): Promise<string[]> => {
					const { steps } = await (await fetch(`/api/labs/${lab}?lang=${lang}`)).json();
					const of = steps.find((s: { id: string }) => s.id === id);
					return of.answers.find((a: { name: string }) => a.name === question)?.choices ?? [];
				};
				// A lab names the choice in English.
				const here = await choices(document.documentElement.lang);
				return here.includes(right) ? right : (here[(await choices("en")).indexOf(right)] ?? right);
			},
			[new URL(this.page.url()).pathname.split("/").pop() ?? "", step, name, value] as const,
		);
	}

	/** Answers a question: one of its choices, or a value. */
	async answer(step: string, name: string, value: string): Promise<void> {
		const field = this.page.getByTestId(`answer-${step}-${name}`);
		if ((await field.evaluate((element) => element.tagName)) === "FIELDSET")
			await field.getByRole("radio", { name: value, exact: true }).check();
		else await field.fill(value);
		await this.page.getByTestId(`submit-${step}-${name}`).click();
	}

	/** Answers the first question of the lab on switching from the screen, as each sandbox has its own answer. */
	async tellMAC(): Promise<void> {
		await this.type("A", "clear; ip -br link show dev eth0");
		const mac = /([0-9a-f]{2}(:[0-9a-f]{2}){5})/.exec((await this.rows()).join("\n"))?.[1];
		await this.answer("look", "mac", mac ?? "none on the screen");
		await this.expectPassed("look");
	}

	/** The names of a step's questions. */
	async questions(step: string): Promise<string[]> {
		const ids = await this.step(step)
			.locator(`[data-testid^=answer-${step}-]`)
			.evaluateAll((fields) => fields.map((field) => (field as HTMLElement).dataset.testid ?? ""));
		return ids.map((id) => id.slice(`answer-${step}-`.length));
	}

	async confirm(): Promise<void> {
		await this.page.getByTestId("confirm").click();
	}

	// Terminals.

	get tabs(): Locator {
		return this.page.getByRole("tab");
	}

	tab(name: string): Locator {
		return this.page.getByRole("tab", { name, exact: true });
	}

	/** The host whose terminal is in front. */
	async host(): Promise<string> {
		const tab = this.page.locator(".terms-tab[aria-selected=true]");
		await expect(tab).toBeVisible();
		return ((await tab.textContent()) ?? "").replace(/ \d+$/, "");
	}

	/** The panel in front. */
	get panel(): Locator {
		return this.page.locator(".terms-panel:not([hidden])");
	}

	get input(): Locator {
		return this.panel.locator(".xterm-helper-textarea");
	}

	/** The screen's rows, without what is empty at the end. */
	async rows(): Promise<string[]> {
		const rows = await this.panel.locator(".xterm-rows > div").allTextContents();
		const texts = rows.map((row) => row.replaceAll("\u00a0", " ").trimEnd());
		while (texts.length > 0 && texts.at(-1) === "") texts.pop();
		return texts;
	}

	async expectScreen(text: string | RegExp): Promise<void> {
		const matches = typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text);
		await expect.poll(async () => (await this.rows()).join("\n")).toEqual(matches);
	}

	/** Waits until the host's shell waits for the next command. */
	async prompt(host: string, after = ""): Promise<void> {
		await expect
			.poll(async () => done(await this.rows(), host, after), { message: `the prompt of ${host} after "${after}"` })
			.toBe(true);
	}

	/** Brings the host's terminal to the front. */
	async show(name: string): Promise<void> {
		const tab = this.tab(name);
		if ((await tab.getAttribute("aria-selected")) !== "true" || (await tab.getAttribute("data-state")) === "none")
			await tab.click();
		await expect(tab).toHaveAttribute("aria-selected", "true");
		await expect(tab).toHaveAttribute("data-state", "open");
		const host = name.replace(/ \d+$/, "");
		let looked = 0;
		await expect
			.poll(
				async () => {
					if (done(await this.rows(), host, "")) return true;
					// What went on in the background may have printed the prompt out of sight: ask for another.
					if (++looked > 5 && (await this.rows()).length > 5) await this.input.press("Enter");
					return false;
				},
				{ message: `the prompt of ${host}` },
			)
			.toBe(true);
	}

	/** Types into the terminal in front without Enter, and waits until the shell has echoed it. */
	async write(line: string): Promise<void> {
		await this.input.focus();
		await this.page.keyboard.type(line);
		// A long line goes on in the next row; the end of a row may be a space.
		const bare = (text: string) => text.replaceAll(" ", "");
		await expect
			.poll(async () => bare((await this.rows()).slice(-4).join("")), { message: `the echo of ${line}` })
			.toMatch(new RegExp(`${escaped(bare(line))}$`));
	}

	/** Types a command on a host; returns once it has begun. */
	async begin(host: string, line: string): Promise<void> {
		await this.show(host);
		await this.write(line);
		await this.page.keyboard.press("Enter");
	}

	/** Types a command on a host, and waits until the shell asks for the next. */
	async type(host: string, line: string): Promise<void> {
		await this.begin(host, line);
		await this.prompt(host.replace(/ \d+$/, ""), line);
	}

	/** Presses the button of a command block, and waits until its last command is done, or its host is up again. */
	async run(figure: Locator): Promise<void> {
		const host = (await figure.getAttribute("data-host")) ?? "";
		const tab = this.tab(host);
		if ((await tab.getAttribute("data-state")) === "open") await this.show(host);
		const command = (await figure.locator("pre").textContent()) ?? "";
		const before = (await this.rows()).join("\n");
		const shell = await this.panel.getAttribute("id");
		await figure.locator(".run-button").click();
		await expect(tab).toHaveAttribute("aria-selected", "true");
		if (/^reboot$/m.test(command)) {
			// The shell ends with its host, and another one comes.
			await expect(this.panel).not.toHaveAttribute("id", shell ?? "");
			await expect(tab).toHaveAttribute("data-state", "open");
			return this.prompt(host);
		}
		await expect
			.poll(
				async () => {
					const rows = await this.rows();
					if (rows.join("\n") !== before && rows.length > 1 && done(rows, host, command)) return true;
					// What goes on in the background prints behind the prompt, until that is out of sight: ask for another.
					if (/ & /.test(command)) await this.input.press("Enter");
					return false;
				},
				{ message: `the end of the commands on ${host}` },
			)
			.toBe(true);
	}
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
