/** The diagram and the table show what the kernel has, as it comes about. */
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";

const device = (page: Page, key: string) => page.locator(`[data-device="${key}"]`);
const table = (page: Page, name: string) => page.getByRole("table", { name, exact: true });

test("the diagram follows what is typed, and the table says the same", async ({ lab, page }) => {
	await lab.open("switching");
	const eth0 = device(page, "A//eth0");
	await expect(eth0).toHaveAttribute("data-state", "off");

	await lab.type("A", "ip link set dev eth0 up");
	await expect(eth0).not.toHaveAttribute("data-state", "off");
	await lab.type("A", "ip addr add 10.9.8.7/24 dev eth0");
	await expect(eth0).toContainText("10.9.8.7/24");
	await lab.type("B", "ip link set dev eth0 up");
	await expect(eth0).toHaveAttribute("data-state", "on");
	await expect(page.locator(".net-cable[data-state=on]").first()).toBeVisible();

	await lab.type("A", "ip netns add red");
	const room = page.locator('.net-frame[data-kind=namespace][data-key*="red"]');
	await expect(room).toBeVisible();
	await lab.type("A", "ip link add v0 type veth peer name v1 netns red");
	await expect(device(page, "A/red/v1")).toBeVisible();

	await page.getByTestId("network-table").click();
	const devices = table(page, "Devices of A");
	await expect(devices.getByRole("row", { name: /^eth0/ })).toContainText("10.9.8.7/24");
	await expect(devices.getByRole("row", { name: /^eth0/ }).locator(".net-state")).toHaveAttribute("data-state", "on");
	await expect(table(page, "Devices of A/red").getByRole("row", { name: /^v1/ })).toBeVisible();
	await expect(table(page, "Routes of A").getByRole("row", { name: /^10\.9\.8\.0\/24/ })).toBeVisible();

	await lab.type("A", "ip addr del 10.9.8.7/24 dev eth0");
	await expect(devices.getByRole("row", { name: /^eth0/ })).not.toContainText("10.9.8.7/24");
	await lab.type("A", "ip netns del red");
	await expect(table(page, "Devices of A/red")).toHaveCount(0);

	await page.getByTestId("network-table").click();
	await expect(eth0).toBeVisible();
	await expect(eth0).not.toContainText("10.9.8.7/24");
	await expect(room).toHaveCount(0);
});

test("a host reboots by button and by command, and forgets what was typed", async ({ lab, page }) => {
	await lab.open("routing");
	await lab.expectScreen("root@A");
	const eth0 = device(page, "A//eth0");
	await expect(eth0).toContainText("192.168.1.10/24");
	for (const how of ["button", "command"]) {
		await lab.type("A", "ip addr add 10.1.2.3/8 dev eth0");
		await expect(eth0).toContainText("10.1.2.3/8");
		await lab.write("echo before-the-reboot");
		await page.keyboard.press("Enter");
		await lab.expectScreen(/^before-the-reboot$/m);
		if (how === "button") {
			await page.getByTestId("hosts").click();
			await page.getByTestId("hosts-A").click();
		} else {
			await lab.begin("A", "reboot");
		}
		await expect(page.locator(".net-card[data-host=A]")).not.toHaveAttribute("data-state", "rebooting");
		await expect(eth0).not.toContainText("10.1.2.3/8");
		// What the topology says is back, and so is the cable.
		await expect(eth0).toContainText("192.168.1.10/24");
		await expect(eth0).toHaveAttribute("data-state", "on");
		// The new shell is a fresh one.
		await expect.poll(async () => (await lab.rows()).join("\n")).not.toContain("before-the-reboot");
		await lab.show("A");
	}
	await lab.type("A", "ip -br addr show dev eth0");
	await lab.expectScreen("192.168.1.10/24");
});
