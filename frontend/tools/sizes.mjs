// What a page of the build weighs, from Vite's manifest.

/**
 * The files that a chunk brings, with all that it imports statically.
 * @param {Record<string, Chunk>} manifest
 * @param {string} key
 * @param {{dynamic?: boolean, except?: RegExp}} [options] dynamic: also what it imports later
 * @returns {Set<string>}
 *
 * @typedef {{file: string, css?: string[], assets?: string[], imports?: string[], dynamicImports?: string[]}} Chunk
 */
export function filesOf(manifest, key, { dynamic = false, except } = {}) {
	const files = new Set();
	const seen = new Set();
	const visit = (name) => {
		if (seen.has(name) || except?.test(name)) return;
		seen.add(name);
		const chunk = manifest[name];
		if (!chunk) throw new Error(`cannot find ${name} in the manifest`);
		for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(file);
		for (const next of chunk.imports ?? []) visit(next);
		if (dynamic) for (const next of chunk.dynamicImports ?? []) visit(next);
	};
	visit(key);
	return files;
}

/**
 * The rows of the budget: name, its files, and how many bytes they may have.
 * @param {Record<string, Chunk>} manifest
 */
export function budgets(manifest) {
	const lazy = /addon-(webgl|unicode11)|lab\/Predict/;
	const lab = Object.keys(manifest).find((key) => key.endsWith("src/lab/LabPage.tsx"));
	const webgl = Object.keys(manifest).find((key) => /addon-webgl/.test(key));
	if (!lab) throw new Error("cannot find the lab page in the manifest");
	const shell = new Set([...filesOf(manifest, "index.html"), "index.html", "boot.js"]);
	// The lab page's later imports (terminal, diagram) count: the learner waits for them.
	// Not so drawing by WebGL, the widths of characters that few programs print,
	// and questions within a lesson, which is being read meanwhile.
	const page = new Set([...shell, ...filesOf(manifest, lab, { dynamic: true, except: lazy })]);
	const rows = [
		{ name: "app shell", files: [...shell], limit: 30 * 1024 },
		{ name: "lab page, all in", files: [...page], limit: 150 * 1024 },
	];
	const predict = Object.keys(manifest).find((key) => key.endsWith("lab/Predict.tsx"));
	if (predict) {
		const files = [...filesOf(manifest, predict)].filter((file) => !page.has(file));
		rows.push({ name: "predictions, lazy", files, limit: 3 * 1024 });
	}
	if (webgl) {
		const files = [...filesOf(manifest, webgl)].filter((file) => !page.has(file));
		rows.push({ name: "webgl, lazy", files, limit: 35 * 1024 });
	}
	return rows;
}
