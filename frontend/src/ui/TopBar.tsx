/** The line at the top of every page. */
import type { ComponentChildren } from "preact";
import { catalogue } from "../i18n/catalogue";
import { Mark } from "./icons";

const text = catalogue({ home: "Netground, to the course" }, { home: "Netground, 과정으로" });

export function TopBar({ children }: { children: ComponentChildren }) {
	return (
		<header class="bar">
			<a class="home" href="/" aria-label={text().home}>
				<Mark />
				<span>Netground</span>
			</a>
			{children}
		</header>
	);
}
