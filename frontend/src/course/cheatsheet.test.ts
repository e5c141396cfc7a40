import { expect, it } from "vitest";
import type { CheatSheet } from "../api/types";
import { matching } from "./cheatsheet";

const sheet: CheatSheet = {
	title: "Course",
	chapters: [
		{
			id: "one",
			title: "One",
			labs: [
				{
					name: "switching",
					title: "Switching",
					learned: [
						{ command: "<code>ip link</code>", does: "lists devices", step: "look" },
						{ command: "<code>arp</code>", does: "neighbours &amp; their MAC", step: "" },
					],
					typed: [{ id: "look", title: "Look", commands: [{ host: "A", code: "ip -br link", fails: false }] }],
				},
			],
		},
		{ id: "two", title: "Two", labs: [] },
	],
};
const rows = (typed: string) =>
	matching(sheet, typed).chapters.flatMap((chapter) =>
		chapter.labs.flatMap((lab) => [
			...lab.learned.map((row) => row.command),
			...lab.typed.flatMap((step) => step.commands.map((c) => c.code)),
		]),
	);

it("keeps everything as long as nothing is typed", () => {
	expect(matching(sheet, "  ")).toBe(sheet);
});

it("keeps the rows in which every word stands, in any order", () => {
	expect(rows("LINK ip")).toEqual(["<code>ip link</code>", "ip -br link"]);
	expect(rows("& mac")).toEqual(["<code>arp</code>"]);
	expect(rows("code")).toEqual([]);
	expect(rows("switching")).toHaveLength(3);
});

it("leaves out chapters and labs without a row", () => {
	expect(matching(sheet, "arp").chapters.map((chapter) => chapter.id)).toEqual(["one"]);
	expect(matching(sheet, "nothing like it").chapters).toEqual([]);
});
