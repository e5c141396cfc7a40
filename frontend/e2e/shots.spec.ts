/** Pictures of all pages and dialogs of a class, to be looked at, and what shuts people out of them; made only when asked for. */
import { mkdirSync } from "node:fs";
import type { Page } from "@playwright/test";
import { violations } from "./axe";
import { expect, test } from "./fixtures";

const dir = process.env.NETGROUND_SHOTS;
const languages = ["en", "ko"] as const;
const schemes = ["light", "dark"] as const;
const large = { width: 1440, height: 900 };
const sizes = [large, { width: 1024, height: 768 }];

/** By the page's own button, which loads nothing anew. */
async function speak(page: Page, language: string): Promise<void> {
	if ((await page.locator("html").getAttribute("lang")) !== language) await page.getByTestId("language").click();
	await expect(page.locator("html")).toHaveAttribute("lang", language);
}

test.describe("pictures of a class", () => {
	test.skip(!dir, "NETGROUND_SHOTS names no directory");

	test("all pages and dialogs", async ({ people, baseURL }) => {
		test.setTimeout(850_000);
		mkdirSync(dir as string, { recursive: true });
		const barriers: string[] = [];
		let taken = 0;

		/** Takes a page in both languages, both themes and two sizes; open brings up what is to be seen, Escape puts it away. */
		const shoot = async (page: Page, name: string, open?: () => Promise<void>, whole = true): Promise<void> => {
			for (const language of languages) {
				await speak(page, language);
				await open?.().catch((error: Error) => barriers.push(`${name} ${language}: ${error.message}`));
				for (const [i, viewport] of sizes.entries())
					for (const colorScheme of schemes) {
						await page.setViewportSize(viewport);
						await page.emulateMedia({ colorScheme });
						await expect(page.locator("html")).toHaveAttribute("data-theme", colorScheme);
						await page.evaluate(() => new Promise((done) => setTimeout(done, 120)));
						const path = `${dir}/${name}-${language}-${colorScheme}-${viewport.width}.png`;
						await page.screenshot({ path, animations: "disabled", fullPage: whole });
						taken++;
						if (i === 0 && language === "ko")
							for (const found of await violations(page)) barriers.push(`${name} ${colorScheme}: ${found}`);
						const wide = await page.evaluate(
							() => document.documentElement.scrollWidth - document.documentElement.clientWidth,
						);
						if (wide > 0) barriers.push(`${name} ${language} ${viewport.width}: ${wide} px too wide`);
					}
				if (open) await page.keyboard.press("Escape");
			}
			await page.setViewportSize(large);
			await page.emulateMedia({ colorScheme: "light" });
			await speak(page, "en");
		};

		const look = { viewport: large };
		const teacher = await people.teacher(look);
		const { page } = teacher;
		const stranger = await people.stranger(look);

		// Doors.
		await stranger.goto("/teach");
		await shoot(stranger, "sign-in");
		await stranger.goto("/teach/setup");
		await shoot(stranger, "setup-without-token");
		await stranger.goto("/join");
		await shoot(stranger, "join");
		await stranger.goto("/back");
		await shoot(stranger, "back");

		// Accounts.
		await page.goto("/teach/staff");
		await page.locator("input").first().fill(`someone-${Date.now()}`);
		await page.locator("input").nth(1).fill("Second teacher");
		await page.locator("form .primary").click();
		const link = (await page.getByTestId("staff-link").locator("code").textContent()) ?? "";
		await shoot(page, "staff");
		await stranger.goto(link);
		await expect(stranger.getByTestId("again")).toBeVisible();
		await shoot(stranger, "setup");
		await page.goto("/teach");
		await expect(page.getByTestId("new-class")).toBeVisible();
		await shoot(page, "password", async () => {
			await page.getByTestId("account").click();
			await page.getByTestId("account-password").click();
		});

		// A class.
		await page.goto("/teach/new");
		await expect(page.getByTestId("lab-switching")).toBeVisible();
		await shoot(page, "new-class");
		const code = await teacher.makeClass("Networking 101", ["switching", "routing"], true);
		const class_ = page.url();
		await shoot(page, "class-empty");
		await stranger.goto(`/join/${code}`);
		await expect(stranger.getByTestId("join-name")).toBeVisible();
		await shoot(stranger, "join-code");
		await page.goto(`${class_}/roster`);
		await expect(page.getByTestId("roster-csv")).toBeVisible();
		await shoot(page, "roster-empty");
		await page.getByTestId("roster-csv").fill("name,id\n학습자 셋,2026-03\n,2\nLearner four,2026-04\nLearner four,1\n");
		await page.getByTestId("roster-add").click();
		await expect(page.getByTestId("roster-result")).toBeVisible();
		await shoot(page, "roster");
		await page.goto(`${class_}/results`);
		await expect(page.locator("h1")).toContainText("Networking 101");
		await shoot(page, "results-empty");
		await page.goto(`${class_}/recordings`);
		await expect(page.locator("h1")).toBeVisible();
		await shoot(page, "recordings-empty");

		// Learners work.
		const one = await people.learner(code, "학습자 하나", look);
		await shoot(one.page, "welcome");
		await shoot(one.page, "leave", async () => {
			await one.page.locator(".door .link").last().click();
			await expect(one.page.getByTestId("confirm")).toBeVisible();
		});
		const two = await people.learner(code, "A learner with rather a long name here", look);
		await people.learner(code, "Learner five", look);
		for (const { lab } of [one, two]) {
			await lab.open("switching");
			await lab.tellMAC();
		}
		await one.lab.type("A", "ip link set dev eth0 up");
		await one.lab.type("B", "ip link set dev eth0 up");
		await one.lab.expectPassed("up");
		await one.lab.type("A", "ip addr add 192.168.1.10 dev eth0");
		await one.lab.check("address");
		await page.goto(class_);
		await expect(teacher.row("학습자 하나")).toBeVisible();
		for (let n = 1; n <= 4; n++) {
			await two.lab.type("A", "true"); // asking again without having done anything is no other try
			await two.lab.check("up");
			await expect(teacher.cell(two.name, 2).locator(".board-count")).toHaveText(`×${n}`);
		}
		await two.page.getByTestId("hint-up").click();
		await expect(page.getByTestId("help-card").first()).toBeVisible();

		// The learner's side.
		await shoot(one.page, "learner", undefined, false);
		await shoot(
			one.page,
			"raise-hand",
			async () => {
				await one.page.getByTestId("raise-hand").click();
			},
			false,
		);
		await shoot(
			one.page,
			"about",
			async () => {
				await one.page.locator(".class-name").click();
			},
			false,
		);
		await one.page.getByTestId("raise-hand").click();
		await one.page.getByTestId("hand-text").fill("주소를 추가했는데 확인이 통과되지 않습니다. 프리픽스가 무엇인가요?");
		await one.page.getByTestId("raise").click();
		await expect(page.getByTestId("hand")).toBeVisible();
		await shoot(one.page, "hand-raised", undefined, false);

		// The teacher's views.
		await shoot(page, "class-steps");
		await page.getByTestId("view-why").click();
		await shoot(page, "class-why");
		await page.getByTestId("view-networks").click();
		await expect(page.locator(".network-small").first()).toBeVisible();
		await shoot(page, "class-networks");
		await page.getByTestId("view-steps").click();
		await page.getByTestId("hide-names").click();
		await shoot(page, "class-hidden");
		await page.getByTestId("hide-names").click();
		await shoot(page, "class-menu", async () => {
			await page.getByTestId("class-menu").click();
		});
		for (const what of ["message", "broadcast", "fault", "end"])
			await shoot(page, `dialog-${what}`, async () => {
				await page.getByTestId("class-menu").click();
				await page.getByTestId(`class-menu-${what}`).click();
				await expect(page.locator("dialog[open]")).toBeVisible();
			});
		await shoot(page, "beamer", async () => {
			await page.getByTestId("join-code").click();
			await expect(page.getByTestId("join-board")).toBeVisible();
		});
		await page.goto(`${class_}/edit`);
		await expect(page.getByTestId("save-class")).toBeVisible();
		await shoot(page, "settings");
		await shoot(page, "delete-class", async () => {
			await page.locator("button.danger").click();
		});

		// A learner's page as watched.
		await page.goto(class_);
		const watched = await teacher.look("학습자 하나", 3);
		await watched.show("A");
		await shoot(page, "watch", undefined, false);
		await shoot(one.page, "watched", undefined, false);
		await shoot(
			page,
			"watch-menu",
			async () => {
				await page.getByTestId("learner").click();
			},
			false,
		);
		for (const what of ["reset", "catch-up", "end"])
			await shoot(
				page,
				`watch-${what}`,
				async () => {
					await page.getByTestId("learner").click();
					await page.getByTestId(`learner-${what}`).click();
				},
				false,
			);
		await page.getByTestId("ask-keyboard").click();
		await expect(one.page.getByTestId("allow-keyboard")).toBeVisible();
		await shoot(one.page, "keyboard-asked", undefined, false);
		await shoot(page, "watch-asked", undefined, false);
		await one.page.getByTestId("allow-keyboard").click();
		await page.getByTestId("take-keyboard").click();
		await watched.type("A", "ip -br addr");
		await shoot(page, "watch-typing", undefined, false);
		await shoot(one.page, "typed-into", undefined, false);
		await page.getByTestId("hand-back").click();
		await page.goBack();

		// Said, shown and broken.
		const own = await teacher.ownLab("switching");
		await own.type("A", "ip -br link");
		await page.getByTestId("class-menu").click();
		await page.getByTestId("class-menu-broadcast").click();
		await page.getByRole("radio").first().check();
		await page.getByTestId("show-terminal").click();
		await page.getByTestId("write-message").click();
		await page.getByTestId("message-text").fill("3단계를 함께 봅니다. 잠시 손을 멈추고 앞을 보십시오.");
		await page.getByTestId("send-message").click();
		await page.getByTestId("class-menu").click();
		await page.getByTestId("class-menu-fault").click();
		await page.getByTestId("fault-card-off").check();
		await page.getByTestId("inject").click();
		await expect(one.page.getByTestId("fault")).toBeVisible();
		await expect(one.page.getByTestId("broadcast")).toBeVisible();
		await expect(one.page.getByTestId("message")).toBeVisible();
		await shoot(one.page, "told", undefined, false);
		await shoot(page, "class-busy");
		await one.page.getByTestId("broadcast-toggle").click();
		await shoot(
			one.page,
			"messages",
			async () => {
				await one.page.getByTestId("messages").click();
			},
			false,
		);
		await own.leave(baseURL as string);

		// Paused, and ended.
		await page.getByTestId("pause").click();
		await expect(one.page.getByTestId("class-paused")).toBeVisible();
		await shoot(one.page, "paused", undefined, false);
		await shoot(page, "class-paused");
		await page.getByTestId("class-menu").click();
		await page.getByTestId("class-menu-end").click();
		await page.getByTestId("confirm").click();
		await expect(page.getByTestId("class-state")).toContainText("ended");
		await shoot(one.page, "ended", undefined, false);
		await shoot(page, "class-ended");
		await page.goto(`${class_}/results`);
		await expect(page.locator(".report").first()).toBeVisible();
		await shoot(page, "results");
		await page.emulateMedia({ media: "print", colorScheme: "dark" }); // on paper it is light all the same
		await page.screenshot({ path: `${dir}/results-print.png`, fullPage: true });
		taken++;
		await page.emulateMedia({ media: "screen", colorScheme: "light" });
		await page.goto(`${class_}/recordings`);
		await expect(page.locator(".play-link").first()).toBeVisible();
		await shoot(page, "recordings");
		await page.locator(".play-link").first().click();
		await expect(page.getByTestId("player")).toBeVisible();
		await page.getByRole("slider").fill("5");
		await shoot(page, "player");
		await page.goto("/teach");
		await expect(page.getByTestId("class-row").first()).toBeVisible();
		await shoot(page, "classes");
		people.faultsOf(stranger).forgive(/410/);
		await stranger.goto(`/join/${code}`);
		await expect(stranger.locator(".door-problem")).toBeVisible();
		await shoot(stranger, "join-ended");

		console.log(`    ${taken} pictures in ${dir}`);
		expect(barriers).toEqual([]);
	});
});
