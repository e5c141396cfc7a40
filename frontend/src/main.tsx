import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/course.css";
import { render } from "preact";
import { App, LabPage } from "./app";
import { route, startRouter } from "./router";
import { applyPrefs } from "./state/prefs";

applyPrefs(document.documentElement);
startRouter();
render(<App />, document.getElementById("app") as HTMLElement);
// From the overview the next click is a lab.
if (route.peek().name === "course") setTimeout(LabPage.preload, 300);
