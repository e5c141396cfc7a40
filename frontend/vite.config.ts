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
		rolldownOptions: {
			output: {
				// What the lab's page and the teacher's pages share would else be cut into pieces, which compress worse.
				codeSplitting: {
					includeDependenciesRecursively: false,
					groups: [
						{ name: "terminal", test: /src\/terminal\/|@xterm\/(xterm|addon-fit)\//, priority: 2 },
						{
							name: "lab",
							test: /src\/(lab(?!\/Predict)|diagram(?!\/NetworkTable)|state\/view|api\/events|ui\/(Menu|Separator|Html|copy))/,
							priority: 1,
						},
					],
				},
			},
		},
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
