import { afterEach, describe, expect, it, vi } from "vitest";
import { setLanguage } from "../state/prefs";
import { ApiError, endSession, getLab, openSession } from "./client";

const answer = (status: number, body: string | null) =>
	vi.stubGlobal(
		"fetch",
		vi.fn(async () => new Response(body, { status })),
	);
afterEach(() => vi.unstubAllGlobals());

const failed = async (promise: Promise<unknown>): Promise<ApiError> => {
	const error = await promise.then(
		() => null,
		(e: unknown) => e,
	);
	expect(error).toBeInstanceOf(ApiError);
	return error as ApiError;
};

describe("requests", () => {
	it("ask in the learner's language and escape names", async () => {
		setLanguage("ko");
		answer(200, "{}");
		await getLab("a/b");
		expect(fetch).toHaveBeenCalledWith("/api/labs/a%2Fb?lang=ko", expect.objectContaining({ method: "GET" }));
		setLanguage("en");
	});

	it("take an answer without a body", async () => {
		answer(204, null);
		expect(await endSession("s")).toBeNull();
	});

	it("say what the server's problem says", async () => {
		answer(404, JSON.stringify({ type: "", title: "Not found", status: 404, detail: "There is no such lab." }));
		const error = await failed(getLab("x"));
		expect(error.message).toBe("There is no such lab.");
		expect(error.gone).toBe(true);
	});

	it("know a full server by its place in the queue", async () => {
		answer(503, JSON.stringify({ title: "Full", status: 503, detail: "Full.", place: 2, estimateSeconds: 60 }));
		expect((await failed(openSession("x"))).full).toBe(true);
		answer(503, JSON.stringify({ title: "Stopping", status: 503, detail: "Stopping." }));
		expect((await failed(openSession("x"))).full).toBe(false);
	});

	it("survive a proxy's page and a network that is not there", async () => {
		answer(502, "<html>Bad gateway</html>");
		expect((await failed(getLab("x"))).message).toBe("HTTP 502");
		vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
		expect((await failed(getLab("x"))).offline).toBe(true);
	});
});
