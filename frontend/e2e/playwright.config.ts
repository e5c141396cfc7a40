import { defineConfig } from "@playwright/test";

/** The built program, real sandboxes and a real browser. NETGROUND_PROGRAM, NETGROUND_KEEPER and NETGROUND_ROOTFS say where they are. */
export default defineConfig({
	testDir: ".",
	outputDir: "../test-results",
	globalSetup: "./setup.ts",
	fullyParallel: true,
	workers: 2,
	forbidOnly: true,
	// A test that passes at the second try is a fault of the test or of the product.
	retries: 0,
	timeout: 120_000,
	globalTimeout: 15 * 60_000,
	expect: { timeout: 30_000 },
	reporter: [["list"]],
	use: {
		locale: "en-US",
		colorScheme: "light",
		viewport: { width: 1280, height: 800 },
		actionTimeout: 30_000,
		navigationTimeout: 30_000,
		// A picture tells most; the whole story slows a small machine down.
		screenshot: "only-on-failure",
		trace: process.env.NETGROUND_TRACE ? "retain-on-failure" : "off",
		launchOptions: {
			executablePath: process.env.NETGROUND_CHROMIUM ?? "/usr/bin/chromium",
			args: [
				"--no-sandbox",
				"--disable-gpu",
				"--disable-quic",
				"--no-first-run",
				"--disable-background-networking",
				"--disable-component-update",
				"--disable-sync",
			],
		},
	},
});
