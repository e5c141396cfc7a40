import { beforeEach, describe, expect, it } from "vitest";
import { change, defaults, layout, limits, reveal, sane, toggle } from "./layout";

beforeEach(() => change({ ...defaults }));

describe("sane", () => {
	it("makes a layout of anything", () => {
		expect(sane(null)).toEqual(defaults);
		const odd = sane({ lesson: 7, stacked: Number.NaN, collapsed: ["lesson", "nothing"], table: 1 } as never);
		expect(odd.lesson).toBe(limits.max);
		expect(odd.stacked).toBe(defaults.stacked);
		expect(odd.collapsed).toEqual(["lesson"]);
		expect(odd.table).toBe(false);
		expect(sane({ arrangement: "sideways" } as never).arrangement).toBeUndefined();
	});

	it("never folds all panes", () => {
		expect(sane({ collapsed: ["lesson", "diagram", "terminals"] }).collapsed).toEqual([]);
	});
});

describe("toggle and reveal", () => {
	it("leave one pane open", () => {
		toggle("lesson");
		toggle("diagram");
		toggle("terminals");
		expect(layout.value.collapsed).toEqual(["lesson", "diagram"]);
		reveal("diagram");
		expect(layout.value.collapsed).toEqual(["lesson"]);
	});

	it("are remembered", () => {
		toggle("diagram");
		expect(JSON.parse(localStorage.getItem("netground.layout") ?? "{}").collapsed).toEqual(["diagram"]);
	});
});
