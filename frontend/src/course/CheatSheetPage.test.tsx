import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CheatSheet } from "../api/types";
import { setLanguage } from "../state/prefs";
import { CheatSheetPage } from "./CheatSheetPage";

const sheet: CheatSheet = {
	title: "Course",
	chapters: [
		{
			id: "basics",
			title: "Basics",
			labs: [
				{
					name: "switching",
					title: "Switching",
					learned: [
						{ command: "<code>ip link</code>", does: "lists <em>devices</em>", step: "look" },
						{ command: "<code>nano</code>", does: "edits", step: "" },
					],
					typed: [{ id: "ping", title: "Talk", commands: [{ host: "A", code: "ping <b>", fails: true }] }],
				},
			],
		},
	],
};
const root = document.createElement("div");
const asked: string[] = [];
const find = <T extends HTMLElement>(id: string) => root.querySelector<T>(`[data-testid="${id}"]`) as T;

beforeEach(() => {
	setLanguage("en");
	vi.stubGlobal("fetch", async (url: string) => {
		asked.push(url);
		return new Response(JSON.stringify(sheet), { status: 200 });
	});
	document.body.append(root);
});
afterEach(() => {
	render(null, root);
	root.remove();
	vi.unstubAllGlobals();
});

it("lists commands by lab, leads to their steps, and narrows as one types", async () => {
	render(<CheatSheetPage />, root);
	await vi.waitFor(() => expect(find("cheat-lab-switching")).not.toBeNull());
	expect(asked[0]).toBe("/api/cheatsheet?lang=en");
	expect(find("cheat-count").textContent).toBe("3 commands");
	const links = [...root.querySelectorAll<HTMLAnchorElement>(".cheat-lab a")].map((a) => a.getAttribute("href"));
	expect(links).toEqual(["/labs/switching", "/labs/switching#look", "/labs/switching#ping"]);
	expect(root.querySelector(".cheat-lab em")?.textContent).toBe("devices");
	expect(root.querySelector(".cheat-typed code")?.textContent).toBe("ping <b>");

	const input = find<HTMLInputElement>("cheat-filter");
	input.value = "devices";
	input.dispatchEvent(new Event("input", { bubbles: true }));
	await vi.waitFor(() => expect(find("cheat-count").textContent).toBe("1 command"));
	expect(root.querySelectorAll(".cheat-lab tbody tr")).toHaveLength(1);
	input.value = "nothing of it";
	input.dispatchEvent(new Event("input", { bubbles: true }));
	await vi.waitFor(() => expect(find("cheat-lab-switching")).toBeNull());
	expect(root.textContent).toContain("No command of the course has all these words.");
	setLanguage("ko");
	await vi.waitFor(() => expect(root.querySelector("h1")?.textContent).toBe("명령 모음"));
});
