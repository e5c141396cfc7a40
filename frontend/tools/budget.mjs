// Fails when the built page weighs more than the design allows (gzip).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { budgets } from "./sizes.mjs";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const read = (file) => {
	try {
		return readFileSync(dist + file);
	} catch (error) {
		console.error(`cannot read ${file}; run npm run build first (${error.message})`);
		process.exit(2);
	}
};

let failed = false;
for (const { name, files, limit } of budgets(JSON.parse(read(".vite/manifest.json").toString()))) {
	const size = files.reduce((sum, file) => sum + gzipSync(read(file), { level: 9 }).length, 0);
	const over = size > limit;
	failed ||= over;
	const kib = (bytes) => `${(bytes / 1024).toFixed(1).padStart(6)} KiB`;
	console.log(`${name.padEnd(18)} ${kib(size)} of ${kib(limit)}${over ? "   OVER BUDGET" : ""}`);
}
process.exit(failed ? 1 : 0);
