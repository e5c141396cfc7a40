/** Teachers who sign in by the school's own provider. */
import { violations } from "./axe";
import { expect, test } from "./fixtures";
import { owner, setUpOwner } from "./people";
import { Provider } from "./provider";
import { Server } from "./server";

test("a teacher signs in at the school's provider; who does not teach here, or says no, is told so", async ({
	page,
	faults,
	browser,
}) => {
	const provider = await Provider.start();
	const server = await Server.start({ args: ["--pool=0", ...provider.args], idBase: (1 << 29) + (1 << 28) });
	try {
		// The owner adds the teacher by the mail address that the school has.
		await setUpOwner(server);
		await page.goto(`${server.url}/teach`);
		await page.getByTestId("login").fill(owner.login);
		await page.getByTestId("password").fill(owner.password);
		await page.getByTestId("sign-in").click();
		await expect(page.getByTestId("new-class")).toBeVisible();
		await page.goto(`${server.url}/teach/staff`);
		await page.getByLabel("Sign-in name").fill("Teacher@school.example");
		await page.getByLabel("Name, as learners see it").fill("The teacher");
		await page.getByRole("button", { name: "Make a link" }).click();
		await expect(page.getByTestId("staff-link")).toBeVisible();

		const context = await browser.newContext({ baseURL: server.url, locale: "en-US" });
		await faults.watch(context);
		const teacher = await context.newPage();
		const press = async () => {
			const button = teacher.getByRole("link", { name: "School account" });
			await expect(button).toBeVisible();
			const back = teacher.waitForResponse((r) => new URL(r.url()).pathname === "/api/oidc/callback");
			await button.click();
			await back;
		};
		const problem = teacher.getByRole("alert");

		await teacher.goto("/teach");
		// Somebody who goes to the school, and does not teach here.
		provider.person = { subject: "1", email: "pupil@school.example", name: "A pupil" };
		await press();
		await expect(problem).toContainText("does not teach here");
		expect(await violations(teacher)).toEqual([]);
		// An address that the provider has not verified could be anybody's.
		provider.person = { subject: "2", email: "teacher@school.example", name: "Anybody", verified: false };
		await press();
		await expect(problem).toContainText("does not teach here");
		// Somebody thought better of it.
		provider.person = null;
		await press();
		await expect(problem).toContainText("did not sign you in");
		// The teacher, in earnest.
		provider.person = { subject: "3", email: "teacher@school.example", name: "The teacher" };
		await press();
		await expect(teacher.getByTestId("new-class")).toBeVisible();
		await expect(teacher).toHaveURL(`${server.url}/teach`);
		await expect(teacher.getByTestId("account")).toHaveText("The teacher");
		await teacher.reload();
		await expect(teacher.getByTestId("new-class")).toBeVisible();
		expect([...provider.redirects]).toEqual([`${server.url}/api/oidc/callback`]);
		// Whoever came first with the address keeps the account: the school has given it to another.
		await teacher.getByTestId("account").click();
		await teacher.getByTestId("account-sign-out").click();
		provider.person = { subject: "4", email: "teacher@school.example", name: "Another" };
		await press();
		await expect(problem).toContainText("does not teach here");
		await context.close();
	} finally {
		await page.close();
		await server.stop();
		await provider.close();
	}
});
