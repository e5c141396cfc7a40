import { describe, expect, it } from "vitest";
import { isForeign, labPath, navigate, networkPath, parse, playPath, route } from "./router";

describe("parse", () => {
	it("knows the course, labs, the teacher's pages, the way into a class, the playground, and nothing else", () => {
		expect(parse("/")).toEqual({ name: "course" });
		expect(parse("/labs/switching")).toEqual({ name: "lab", lab: "switching" });
		expect(parse(labPath("a-b"))).toEqual({ name: "lab", lab: "a-b" });
		expect(parse("/teach")).toEqual({ name: "teach", path: [] });
		expect(parse("/teach/classes/c1/learners/l1")).toEqual({
			name: "teach",
			path: ["classes", "c1", "learners", "l1"],
		});
		expect(parse("/join")).toEqual({ name: "join", code: "" });
		expect(parse("/join/K7F-2QX")).toEqual({ name: "join", code: "K7F-2QX" });
		expect(parse("/back")).toEqual({ name: "back" });
		expect(parse("/cheatsheet")).toEqual({ name: "cheatsheet" });
		expect(parse(playPath)).toEqual({ name: "play", runs: false });
		expect(parse(networkPath)).toEqual({ name: "play", runs: true });
		for (const path of [
			"/playground/x",
			"/playground/network/x",
			"/back/x",
			"/join/a/b",
			"/labs",
			"/labs/a/b",
			"/labs/%E0%A4%A",
			"/labs/..%2Fx",
			"/other",
		])
			expect(parse(path)).toEqual({ name: "missing" });
	});
});

describe("navigate", () => {
	it("changes the address and the route", () => {
		navigate("/labs/routing");
		expect(location.pathname).toBe("/labs/routing");
		expect(route.value).toEqual({ name: "lab", lab: "routing" });
		navigate("/");
		expect(route.value).toEqual({ name: "course" });
	});
});

describe("isForeign", () => {
	const link = (href: string) => Object.assign(document.createElement("a"), { href });
	const click = (init: MouseEventInit = {}) => new MouseEvent("click", { button: 0, ...init });

	it("follows plain clicks within the page only", () => {
		expect(isForeign(click(), link("/labs/x"))).toBe(false);
		expect(isForeign(click({ ctrlKey: true }), link("/labs/x"))).toBe(true);
		expect(isForeign(click({ button: 1 }), link("/labs/x"))).toBe(true);
		expect(isForeign(click(), link("https://example.org/"))).toBe(true);
		expect(isForeign(click(), link("/api/openapi.json"))).toBe(true);
		expect(isForeign(click(), link("/#labs"))).toBe(true);
	});
});
