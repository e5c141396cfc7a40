import { defineConfig } from "vitest/config";

export default defineConfig({
	build: {
		// What every browser of the last three years can run; nothing is polyfilled.
		target: "es2022",
		manifest: true,
		// Inlined assets would need data: in the content security policy.
		assetsInlineLimit: 0,
		// Only old browsers need it.
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
	},
	server: {
		proxy: {
			"/api": { target: process.env.NETGROUND_URL ?? "http://127.0.0.1:8080", ws: true },
		},
	},
	test: {
		environment: "happy-dom",
		include: ["src/**/*.test.ts", "src/**/*.test.tsx", "tools/**/*.test.ts"],
		restoreMocks: true,
	},
});
