/** "Predict first": asked before a command, shown back with the truth, and never in the way. */
import { expect, test } from "./fixtures";

test("a prediction is kept, shown back after a reload and in the other language, and blocks nothing", async ({
	lab,
	page,
}) => {
	await lab.open("internet-route");
	const step = lab.step("specific");
	const figure = step.locator("figure.predict");
	// In the lesson it stands before the command that shows it.
	expect(await figure.evaluate((f) => f.nextElementSibling?.className)).toBe("run");
	await lab.run(step.locator("figure.run").first());
	await lab.expectPassed("specific"); // without a prediction

	await figure.getByRole("radio", { name: "No, somebody still lacks the way back" }).check();
	await figure.getByRole("button").click();
	const made = page.getByTestId("predicted-specific-back");
	await expect(made).toContainText("You predicted: No, somebody still lacks the way back");
	await expect(made.locator("details")).toHaveAttribute("open", "");
	await expect(made).toContainText("Only C was missing one.");

	await page.reload();
	await lab.ready();
	await expect(made).toContainText("You predicted: No, somebody still lacks the way back");
	await page.getByTestId("language").click();
	await expect(made).toContainText("예상한 것: 도착하지 않습니다. 돌아올 길이 없는 곳이 있습니다");
	await expect(made).toContainText("경로가 없던 것은 C뿐입니다.");

	// What is not passed yet tells the truth only to who asks for it.
	const other = lab.step("everything").locator("figure.predict");
	await other.getByRole("radio").first().check();
	await other.getByRole("button").click();
	const truth = page.getByTestId("predicted-everything-other").locator("details");
	await expect(truth).not.toHaveAttribute("open");
	await truth.locator("summary").click();
	await expect(truth).toContainText("Network is unreachable");
});
