/** Who takes part in a class, each in a browser of their own: a teacher, and learners. */
import { type Browser, type BrowserContext, expect, type Page } from "@playwright/test";
import { Faults } from "./faults";
import { LabPage } from "./lab";
import type { Server } from "./server";

/** Of the tests' server. */
export const owner = { login: "owner", password: "four words in a row" };

/** Gives a fresh server its owner, as the page behind its first link does. */
export async function setUpOwner(server: Server): Promise<void> {
	const answer = await fetch(`${server.url}/api/staff/setup`, {
		method: "POST",
		headers: { "Content-Type": "application/json", Origin: server.url },
		body: JSON.stringify({ token: new URL(server.teach).hash.slice(1), ...owner, name: "Teacher" }),
	});
	if (!answer.ok) throw new Error(`the owner could not be set up: ${answer.status} ${await answer.text()}`);
}

export interface Look {
	locale?: string;
	colorScheme?: "light" | "dark";
	viewport?: { width: number; height: number };
}

/** Opens browsers, and holds them to stay without a fault. */
export class People {
	readonly #browser: Browser;
	readonly #url: string;
	readonly #open: { context: BrowserContext; faults: Faults; lab: LabPage | null }[] = [];

	constructor(browser: Browser, url: string) {
		this.#browser = browser;
		this.#url = url;
	}

	async #person(look: Look): Promise<{ page: Page; faults: Faults }> {
		const context = await this.#browser.newContext({ baseURL: this.#url, locale: "en-US", ...look });
		const faults = new Faults();
		await faults.watch(context);
		this.#open.push({ context, faults, lab: null });
		return { page: await context.newPage(), faults };
	}

	/** A teacher who has signed in on the page. */
	async teacher(look: Look = {}): Promise<Teacher> {
		const { page, faults } = await this.#person(look);
		await page.goto("/teach");
		await page.getByTestId("login").fill(owner.login);
		await page.getByTestId("password").fill(owner.password);
		await page.getByTestId("sign-in").click();
		await expect(page.getByTestId("new-class")).toBeVisible();
		return new Teacher(page, faults);
	}

	/** A learner who has joined the class on the page. */
	async learner(code: string, name: string, look: Look = {}): Promise<Learner> {
		const { page, faults } = await this.#person(look);
		await page.goto(`/join/${code}`);
		await page.getByTestId("join-name").fill(name);
		await page.getByTestId("join").click();
		await expect(page.getByTestId("my-code")).toBeVisible();
		const lab = new LabPage(page);
		const last = this.#open.at(-1);
		if (last) last.lab = lab;
		return { page, faults, lab, name, code: (await page.getByTestId("my-code").textContent()) ?? "" };
	}

	/** Somebody whom the server does not know. */
	async stranger(look: Look = {}): Promise<Page> {
		return (await this.#person(look)).page;
	}

	/** For a test that takes the server away on purpose. */
	forgive(...patterns: RegExp[]): void {
		for (const { faults } of this.#open) faults.forgive(...patterns);
	}

	/** What the browser of a page has complained about. */
	faultsOf(page: Page): Faults {
		return this.#open.find(({ context }) => context === page.context())?.faults as Faults;
	}

	/** Ends their sessions, and says what their browsers complained about. */
	async leave(): Promise<string[]> {
		const found: string[] = [];
		for (const { context, faults, lab } of this.#open.splice(0)) {
			await lab?.leave(this.#url);
			await context.close();
			found.push(...faults.found);
		}
		return found;
	}
}

export interface Learner {
	page: Page;
	faults: Faults;
	lab: LabPage;
	name: string;
	/** The way back in. */
	code: string;
}

export class Teacher {
	readonly page: Page;
	readonly faults: Faults;

	constructor(page: Page, faults: Faults) {
		this.page = page;
		this.faults = faults;
	}

	/** A lab of the teacher's own, in a tab beside the class. */
	async ownLab(name: string): Promise<LabPage> {
		const lab = new LabPage(await this.page.context().newPage());
		await lab.open(name);
		return lab;
	}

	/** Makes a class of the labs, and returns its join code. */
	async makeClass(
		name: string,
		labs: string[],
		recording = false,
		{ first = "", last = "" }: { first?: string; last?: string } = {},
	): Promise<string> {
		const { page } = this;
		await page.goto("/teach/new");
		await page.getByTestId("class-name").fill(name);
		for (const lab of labs) await page.getByTestId(`lab-${lab}`).check();
		if (recording) await page.getByTestId("class-recording").check();
		if (first) await page.getByLabel(/^(First day|첫날)$/).fill(first);
		if (last) await page.getByLabel(/^(Last day|마지막 날)$/).fill(last);
		await page.getByTestId("save-class").click();
		await expect(page.getByTestId("class-page")).toBeVisible();
		return ((await page.getByTestId("join-code").textContent()) ?? "").trim();
	}

	row(name: string) {
		return this.page
			.locator(".board-rows .board-row")
			.filter({ has: this.page.getByRole("link", { name, exact: true }) });
	}

	/** The learner's cell of step n, counted from 1. */
	cell(name: string, n: number) {
		return this.row(name)
			.getByRole("gridcell")
			.nth(n - 1);
	}

	/** Opens the learner's page by the cell of step n. */
	async look(name: string, n: number): Promise<LabPage> {
		await this.cell(name, n).click();
		await expect(this.page.getByTestId("watch-page")).toBeVisible();
		return new LabPage(this.page);
	}
}
