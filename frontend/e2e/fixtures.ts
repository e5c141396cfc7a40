/** What every test has: a browser of its own that must stay without a fault, and the lab page as a learner uses it. */
import { test as base, expect } from "@playwright/test";
import { Cable } from "./cable";
import { Faults } from "./faults";
import { LabPage } from "./lab";
import { People } from "./people";

/** Everything that a lost connection makes a browser say. */
export const lostConnection = [/net::ERR_/, /WebSocket connection to/, /Failed to load resource/];

interface Fixtures {
	faults: Faults;
	lab: LabPage;
	/** The way to the server, which a test can cut. Pages that are to lose it open cable.url. */
	cable: Cable;
	/** A teacher and learners, each in a browser of their own. */
	people: People;
}

export const test = base.extend<Fixtures>({
	// biome-ignore lint/correctness/noEmptyPattern: the runner reads the names of fixtures from it
	baseURL: async ({}, use) => {
		const url = process.env.NETGROUND_E2E_URL;
		if (!url) throw new Error("the server of the tests does not run");
		await use(url);
	},
	faults: [
		async ({ context }, use) => {
			const faults = new Faults();
			await faults.watch(context);
			await use(faults);
			expect(faults.found, "what the browser complained about").toEqual([]);
		},
		{ auto: true },
	],
	lab: async ({ page, baseURL }, use) => {
		const lab = new LabPage(page);
		await use(lab);
		await lab.leave(baseURL as string);
	},
	people: async ({ browser, baseURL }, use) => {
		const people = new People(browser, baseURL as string);
		await use(people);
		expect(await people.leave(), "what the browsers complained about").toEqual([]);
	},
	cable: async ({ baseURL }, use) => {
		const cable = await Cable.start(baseURL as string);
		await use(cable);
		await cable.close();
	},
});

export { expect };
