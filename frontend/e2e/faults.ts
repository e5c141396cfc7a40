import type { BrowserContext, Page, Request } from "@playwright/test";

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
		leaveWithoutHaste(context);
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

/**
 * What an act brings about is often seen by an event before its answer is there. Whoever leaves the page that quickly,
 * as nobody can, breaks the request off: so pages are left when none is on its way.
 */
function leaveWithoutHaste(context: BrowserContext): void {
	const acts = new Set<Request>();
	context.on("request", (request) => request.method() !== "GET" && acts.add(request));
	context.on("requestfinished", (request) => acts.delete(request));
	context.on("requestfailed", (request) => acts.delete(request));
	const done = async (): Promise<void> => {
		for (const end = Date.now() + 5000; acts.size > 0 && Date.now() < end; )
			await new Promise((r) => setTimeout(r, 10));
	};
	context.on("page", (page: Page) => {
		const [goto, reload] = [page.goto.bind(page), page.reload.bind(page)];
		page.goto = async (...to) => {
			await done();
			return goto(...to);
		};
		page.reload = async (...how) => {
			await done();
			return reload(...how);
		};
	});
}
