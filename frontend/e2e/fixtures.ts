/** What every test has: a browser of its own that must stay without a fault, and the lab page as a learner uses it. */
import { type BrowserContext, test as base, expect } from "@playwright/test";
import { Cable } from "./cable";
import { LabPage } from "./lab";

/** What a browser complains about. A test fails if there is anything that it did not forgive. */
export class Faults {
	#found: string[] = [];
	#forgiven: RegExp[] = [];

	/** For a test that takes the server away on purpose. */
	forgive(...patterns: RegExp[]): void {
		this.#forgiven.push(...patterns);
	}

	get found(): string[] {
		return this.#found.filter((fault) => !this.#forgiven.some((pattern) => pattern.test(fault)));
	}

	async watch(context: BrowserContext): Promise<void> {
		const found = this.#found;
		await context.addInitScript(() => {
			document.addEventListener("securitypolicyviolation", (event) => {
				console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI || event.sourceFile}`);
			});
		});
		context.on("console", (message) => {
			if (message.type() === "error" || message.type() === "warning") found.push(`console: ${message.text()}`);
		});
		context.on("weberror", (error) => found.push(`error: ${error.error().stack ?? error.error().message}`));
		context.on("requestfailed", (request) => {
			const why = request.failure()?.errorText ?? "";
			// A page that is left ends its stream of events, and what it was still fetching ahead.
			if (why === "net::ERR_ABORTED" && request.method() === "GET") return;
			found.push(`request: ${request.method()} ${request.url()} ${why}`);
		});
		context.on("response", (response) => {
			if (response.status() >= 400)
				found.push(`answer: ${response.status()} ${response.request().method()} ${response.url()}`);
		});
	}
}

/** Everything that a lost connection makes a browser say. */
export const lostConnection = [/net::ERR_/, /WebSocket connection to/, /Failed to load resource/];

interface Fixtures {
	faults: Faults;
	lab: LabPage;
	/** The way to the server, which a test can cut. Pages that are to lose it open cable.url. */
	cable: Cable;
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
	cable: async ({ baseURL }, use) => {
		const cable = await Cable.start(baseURL as string);
		await use(cable);
		await cable.close();
	},
});

export { expect };
