import { afterEach, describe, expect, it, vi } from "vitest";
import { setSingleKeys } from "../state/prefs";
import { listenToKeys, neighbour, takesText } from "./keys";
import { panes } from "./layout";

afterEach(() => {
	document.body.replaceChildren();
	setSingleKeys(true);
});

describe("neighbour", () => {
	it("goes around in both directions", () => {
		expect(neighbour("lesson", 1, panes)).toBe("diagram");
		expect(neighbour("terminals", 1, panes)).toBe("lesson");
		expect(neighbour("lesson", -1, panes)).toBe("terminals");
		expect(neighbour(undefined, 1, panes)).toBe("lesson");
		expect(neighbour(undefined, -1, panes)).toBe("terminals");
		expect(neighbour("lesson", 1, ["lesson"])).toBe("lesson");
	});
});

describe("single keys", () => {
	const press = (target: EventTarget, init: KeyboardEventInit) =>
		target.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init }));

	it("leave alone what is typed somewhere, and chords, and those who switched them off", () => {
		document.body.innerHTML = `<section id="lesson"><input type="text"><input type="radio"></section>`;
		const [text, radio] = document.querySelectorAll("input") as unknown as [HTMLElement, HTMLElement];
		expect(takesText(text)).toBe(true);
		expect(takesText(radio)).toBe(false);
		const check = vi.fn();
		const stop = listenToKeys({ check });
		press(text, { key: "c" });
		press(document.body, { key: "c", ctrlKey: true });
		setSingleKeys(false);
		press(document.body, { key: "c" });
		expect(check).not.toHaveBeenCalled();
		setSingleKeys(true);
		press(document.body, { key: "c" });
		expect(check).toHaveBeenCalledOnce();
		stop();
		press(document.body, { key: "c" });
		expect(check).toHaveBeenCalledOnce();
	});

	it("never let F6 reach a terminal", () => {
		document.body.innerHTML = `<section id="terminals" tabindex="-1"><textarea></textarea></section>`;
		const area = document.querySelector("textarea") as HTMLTextAreaElement;
		const seen = vi.fn();
		area.addEventListener("keydown", seen);
		const stop = listenToKeys({ check: () => undefined });
		press(area, { key: "F6" });
		press(area, { key: "a" });
		expect(seen).toHaveBeenCalledOnce();
		stop();
	});
});
