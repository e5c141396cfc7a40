/** Every lab from beginning to end, in both languages and in both ways of working. */
import { expect, test } from "./fixtures";
import type { LabPage } from "./lab";

const labs = ["switching", "routing", "namespaces", "linux-bridge", "namespace-nat", "port-forward"];

/** Labs whose buttons have something of their own: hosts that reboot, programs that stay, files that are edited. */
const others = ["linux-router", "net-tools", "dns-records", "coredns"];
// Has nothing that the ones above have not; walked when asked for.
if (process.env.NETGROUND_ALL_LABS) others.push("gateway");

/** Steps whose lesson leaves commands to the learner. */
const withoutCommands = [
	"routing/return",
	"routing/others",
	"linux-bridge/plug",
	"linux-bridge/talk",
	"linux-bridge/four",
	"namespace-nat/gateway",
	"namespace-nat/forward",
	"namespace-nat/internet",
	"port-forward/itself",
	"port-forward/toomuch",
	"gateway/colleague",
	"dns-records/ipv6",
	"dns-records/alias",
	"coredns/services",
];

/** Questions whose answer each sandbox makes up: where it stands. */
const onScreen: Record<string, [host: string, command: string]> = {
	mac: ["A", "ip -br link show dev eth0"],
	"router-mac": ["web", "ip neigh show 192.168.1.1"],
};

/** Answers a step's questions as its solution says, or, where each sandbox has its own answer, from the screen. */
async function answerStep(lab: LabPage, step: string): Promise<void> {
	for (const name of await lab.questions(step)) {
		const shown = onScreen[name];
		if (shown) {
			const [host, command] = shown;
			await lab.type(host, `clear; ${command}`);
			const mac = /([0-9a-f]{2}(:[0-9a-f]{2}){5})/.exec((await lab.rows()).join("\n"))?.[1];
			await lab.answer(step, name, mac ?? "none on the screen");
		} else {
			await lab.answer(step, name, await lab.rightAnswer(step, name));
		}
	}
}

/** A step is the one to do: neither it nor one behind it has passed. */
async function expectTurn(lab: LabPage, step: string): Promise<void> {
	const ids = await lab.stepIds();
	for (const id of ids.slice(ids.indexOf(step))) await lab.expectPassed(id, false);
}

async function expectDone(lab: LabPage, name: string): Promise<void> {
	for (const id of await lab.stepIds()) await lab.expectPassed(id);
	await expect(lab.page.locator(".lesson-end")).toHaveAttribute("data-state", "passed");
	await lab.page.goto("/");
	await expect(lab.page.getByTestId(`lab-card-${name}`)).toHaveAttribute("data-state", "passed");
}

/** Does every step as a learner who presses all buttons. */
async function solveByButtons(lab: LabPage, name: string): Promise<void> {
	for (const id of await lab.stepIds()) {
		await expectTurn(lab, id);
		const step = lab.step(id);
		const blocks = step.locator("figure.run:not(.solution *)");
		for (let i = 0; i < (await blocks.count()); i++) await lab.run(blocks.nth(i));
		if (withoutCommands.includes(`${name}/${id}`)) {
			await lab.page.getByTestId(`solution-${id}`).click();
			await lab.confirm();
			const solution = step.locator(".solution figure.run");
			await expect(solution).not.toHaveCount(0);
			for (let i = 0; i < (await solution.count()); i++) await lab.run(solution.nth(i));
		}
		await answerStep(lab, id);
		await lab.expectPassed(id);
	}
}

/** A chapter that one learner walks, from lab to lab. */
const chapter = ["namespaces", "linux-bridge", "namespace-nat", "port-forward"];

test("a chapter is walked from its first lab to its last by their buttons, in English", async ({
	lab,
	page,
	baseURL,
}) => {
	test.setTimeout(300_000);
	await lab.open(chapter[0] as string);
	for (const [i, name] of chapter.entries()) {
		await expect(page).toHaveURL(new RegExp(`/labs/${name}$`));
		await solveByButtons(lab, name);
		await expect(page.locator(".lesson-end")).toHaveAttribute("data-state", "passed");
		const next = chapter[i + 1];
		if (!next) break;
		const link = page.locator(".lesson-next a.resume");
		await expect(link).toHaveAttribute("href", `/labs/${next}`);
		const before = lab.session;
		const opened = page.waitForResponse(
			(r) => r.request().method() === "POST" && new URL(r.url()).pathname === "/api/sessions" && r.ok(),
		);
		await link.click();
		lab.session = (await (await opened).json()).id;
		await lab.ready();
		// The network that is left makes room for the next.
		await page.request.delete(`${baseURL}/api/sessions/${before}`, { headers: { Origin: baseURL as string } });
	}
	await page.goto("/");
	for (const name of chapter)
		await expect(page.getByTestId(`lab-card-${name}`)).toHaveAttribute("data-state", "passed");
	// The course goes on elsewhere.
	await expect(page.locator(".course-head .resume")).toHaveAttribute("href", "/labs/switching");
});

for (const name of labs) {
	// Those of the chapter are walked above.
	if (!chapter.includes(name))
		test(`${name} is solved by its buttons, in English`, async ({ lab }) => {
			await lab.open(name);
			await solveByButtons(lab, name);
			await expectDone(lab, name);
		});

	test.describe("in Korean", () => {
		test.use({ locale: "ko-KR" });

		test(`${name} is solved by typing, in Korean`, async ({ lab }) => {
			await lab.open(name);
			await expect(lab.page.locator("html")).toHaveAttribute("lang", "ko");
			for (const id of await lab.stepIds()) {
				await expectTurn(lab, id);
				for (const { host, line } of await lab.solution(id)) if (host !== "answer") await lab.type(host, line);
				await answerStep(lab, id);
				await lab.expectPassed(id);
			}
			await expectDone(lab, name);
		});
	});
}

for (const name of others)
	test(`${name} is solved by its buttons`, async ({ lab }) => {
		await lab.open(name);
		await solveByButtons(lab, name);
		await expectDone(lab, name);
	});
