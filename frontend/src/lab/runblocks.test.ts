import { afterEach, describe, expect, it, vi } from "vitest";
import { announcement } from "../state/announce";
import { setLanguage } from "../state/prefs";
import { commandOf, enhanceRunBlocks } from "./runblocks";

const html = `<figure class="run" data-host="A"><pre><code>ip addr
ip route
</code></pre></figure><figure class="run" data-host="B" data-fails><pre><code>false</code></pre></figure>
<figure class="expect"><pre>out</pre></figure>`;

function page() {
	const root = document.createElement("div");
	root.innerHTML = html;
	document.body.append(root);
	return root;
}
const button = (root: Element, name: string) =>
	root.querySelector<HTMLButtonElement>(`button[aria-label="${name}"]`) as HTMLButtonElement;

afterEach(() => {
	document.body.replaceChildren();
	setLanguage("en");
});

describe("run blocks", () => {
	it("run the whole block on its host, and say so", async () => {
		setLanguage("en");
		const root = page();
		const run = vi.fn(async () => undefined);
		enhanceRunBlocks(root, { run });
		button(root, "Run on A").click();
		await vi.waitFor(() => expect(announcement.value.text).toBe("Sent to the terminal of A."));
		expect(run).toHaveBeenCalledWith("A", "ip addr\nip route");
	});

	it("do not put their buttons' words into the command", () => {
		const root = page();
		enhanceRunBlocks(root, { run: async () => undefined });
		const figure = root.querySelector("figure") as HTMLElement;
		expect(figure.querySelectorAll("button")).toHaveLength(2);
		expect(commandOf(figure)).toBe("ip addr\nip route");
	});

	it("say when a command cannot be sent, and tell of one that is meant to fail", async () => {
		setLanguage("ko");
		const root = page();
		enhanceRunBlocks(root, { run: () => Promise.reject(new Error("ended")) });
		expect(root.querySelector("[data-fails] .run-note")?.textContent).toBe("실패하는 것이 정상입니다");
		button(root, "B에서 실행").click();
		await vi.waitFor(() => expect(announcement.value.text).toBe("ended"));
		expect(root.querySelector("[data-fails] .run-problem")?.textContent).toBe("ended");
		expect(commandOf(root.querySelector("[data-fails]") as HTMLElement)).toBe("false");
	});

	it("say in their own words what the browser says in its", async () => {
		const root = page();
		let broken = true;
		enhanceRunBlocks(root, {
			run: async () => (broken ? Promise.reject(new TypeError("Failed to fetch")) : undefined),
		});
		button(root, "Run on A").click();
		await vi.waitFor(() =>
			expect(root.querySelector(".run-problem")?.textContent).toBe("The terminal of A cannot be reached right now."),
		);
		broken = false;
		button(root, "Run on A").click();
		await vi.waitFor(() => expect(root.querySelector(".run-problem")).toBeNull());
	});

	it("go as they came", () => {
		const root = page();
		const before = root.innerHTML;
		enhanceRunBlocks(root, { run: async () => undefined })();
		expect(root.innerHTML).toBe(before);
	});
});
