// Runs before the first paint, so that a remembered theme or language does not flash in.
// An external file, since the content security policy allows no inline script.
(() => {
	let prefs = {};
	try {
		prefs = JSON.parse(localStorage.getItem("netground.prefs") || "{}") || {};
	} catch {
		// Storage may be blocked or hold what somebody else wrote: the defaults do.
	}
	const root = document.documentElement;
	const dark = matchMedia("(prefers-color-scheme: dark)").matches;
	root.dataset.theme = prefs.theme === "light" || prefs.theme === "dark" ? prefs.theme : dark ? "dark" : "light";
	const language = prefs.language || (navigator.language || "en").slice(0, 2);
	root.lang = language === "ko" ? "ko" : "en";
	if (prefs.motion === "paused") root.dataset.motion = "paused";
})();
