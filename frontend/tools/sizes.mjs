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
	const lazy = /addon-(webgl|unicode11)|src\/(course|teach|join|play)\/|NetworkTable|HelpDialog|lab\/Predict/;
	// The one page that the shell fetches later and that is for every learner.
	const lab = manifest["index.html"]?.dynamicImports?.find((key) => !lazy.test(key));
	const webgl = Object.keys(manifest).find((key) => /addon-webgl/.test(key));
	if (!lab) throw new Error("cannot find the lab page in the manifest");
	const shell = new Set([...filesOf(manifest, "index.html"), "index.html", "boot.js"]);
	// The lab page's later imports (terminal, diagram) count: the learner waits for them.
	// Not so drawing by WebGL, the widths of characters that few programs print, questions within a lesson, which
	// is being read meanwhile, the network as a table and the help, which are asked for by a button, and what only
	// a class's teachers and learners fetch, or who goes to the playground.
	const page = new Set([...shell, ...filesOf(manifest, lab, { dynamic: true, except: lazy })]);
	// Who comes to the front page waits for the course, too.
	const front = new Set([...shell, ...filesOf(manifest, "src/course/CoursePage.tsx")]);
	const rows = [
		{ name: "app shell", files: [...front], limit: 30 * 1024 },
		{ name: "lab page, all in", files: [...page], limit: 150 * 1024 },
	];
	const beyond = (name, file, limit) => {
		const key = Object.keys(manifest).find((k) => k.endsWith(file));
		if (!key) throw new Error(`cannot find ${file} in the manifest`);
		const files = [...filesOf(manifest, key)].filter((f) => !page.has(f));
		rows.push({ name, files, limit: limit * 1024 });
	};
	beyond("predictions, lazy", "src/lab/Predict.tsx", 3);
	beyond("cheat sheet, lazy", "src/course/CheatSheetPage.tsx", 5);
	beyond("in a class, lazy", "src/join/ClassBar.tsx", 10);
	beyond("joining, lazy", "src/join/JoinPage.tsx", 16);
	beyond("teaching, lazy", "src/teach/TeachPages.tsx", 50);
	beyond("playground, lazy", "src/play/PlayPage.tsx", 15);
	if (webgl) {
		const files = [...filesOf(manifest, webgl)].filter((file) => !page.has(file));
		rows.push({ name: "webgl, lazy", files, limit: 35 * 1024 });
	}
	return rows;
}
