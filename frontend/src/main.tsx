import "./styles/tokens.css";
import { render } from "preact";
import { applyPrefs } from "./state/prefs";

applyPrefs(document.documentElement);
render(<p>Netground</p>, document.getElementById("app") as HTMLElement);
