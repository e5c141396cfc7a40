/** The picture of the product for people who read about it; made only when asked for. */
import { expect, test } from "./fixtures";

const path = process.env.NETGROUND_SCREENSHOT;

test.describe("picture", () => {
	test.skip(!path, "NETGROUND_SCREENSHOT names no file");
	test.use({ viewport: { width: 1440, height: 900 } });

	test("a lab in the middle of its work", async ({ lab, page }) => {
		await lab.open("namespaces");
		await page.getByTestId("catch-up-talk").click();
		await lab.confirm();
		await lab.expectPassed("address");
		await lab.type("node", "clear");
		await lab.type("node", "ip -n red link set veth-red up");
		await lab.type("node", "ip -n blue link set veth-blue up");
		await lab.type("node", "ip netns exec red ping -c 2 192.168.15.2");
		await lab.expectPassed("talk");
		await page.locator("#talk").evaluate((step) => step.scrollIntoView({ block: "start" }));
		await expect(page.getByTestId("progress-banner")).toHaveCount(0);
		await page.screenshot({ path: path as string, animations: "disabled" });
	});
});
