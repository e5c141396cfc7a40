// Writes .gz and .br beside every text file of dist, so that the server compresses nothing while it serves.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
// Below this a compressed answer saves nothing: it fits into one packet anyway.
const smallest = 512;

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
	const path = join(entry.parentPath, entry.name);
	if (!entry.isFile() || path.includes("/.vite/") || !/\.(html|js|css|svg|json|txt)$/.test(entry.name)) continue;
	const content = readFileSync(path);
	if (content.length < smallest) continue;
	const gz = gzipSync(content, { level: 9 });
	const br = brotliCompressSync(content, {
		params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
	});
	if (gz.length < content.length) writeFileSync(`${path}.gz`, gz);
	if (br.length < content.length) writeFileSync(`${path}.br`, br);
}
// The build empties the folder; git and go:embed want it to exist in a fresh clone too.
writeFileSync(join(dist, ".keep"), "");
