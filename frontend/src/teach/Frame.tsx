/** The frame of the teacher's quiet pages: the way back, a title, what can be done. */
import type { ComponentChildren } from "preact";
import { catalogue } from "../i18n/catalogue";
import { Cross, Left } from "../ui/icons";
import { IconButton, Tools } from "../ui/Tools";
import { TopBar } from "../ui/TopBar";
import { usePageTitle } from "../ui/title";
import type { Asks } from "./asks";

const text = catalogue(
	{ dismiss: "Dismiss", readOnly: "You see this class as an assistant, and may not change it." },
	{ dismiss: "닫기", readOnly: "이 수업의 조교로서 볼 수만 있고 바꾸지는 못합니다." },
);

interface Props {
	title: string;
	/** Where one came from. */
	back?: { href: string; label: string };
	/** Beside the title. */
	actions?: ComponentChildren;
	wide?: boolean;
	asks?: Asks;
	children: ComponentChildren;
}

export function Frame({ title, back, actions, wide, asks, children }: Props) {
	usePageTitle(title);
	return (
		<div class="page">
			<TopBar>
				<Tools />
			</TopBar>
			{asks && <Problem asks={asks} />}
			<main class={wide ? "desk wide" : "desk"}>
				<header class="desk-head">
					{back && (
						<a class="desk-back" href={back.href}>
							<Left />
							{back.label}
						</a>
					)}
					<div class="desk-title">
						<h1>{title}</h1>
						{actions && <div class="desk-actions">{actions}</div>}
					</div>
				</header>
				{children}
			</main>
		</div>
	);
}

/** Instead of what an assistant may not do. */
export function ReadOnly() {
	return <p>{text().readOnly}</p>;
}

/** What went wrong with the last thing that was asked for. */
export function Problem({ asks }: { asks: Asks }) {
	const problem = asks.problem.value;
	if (problem === null) return null;
	return (
		<div class="banner bad" role="alert">
			<p>{problem}</p>
			<IconButton label={text().dismiss} onClick={asks.dismiss}>
				<Cross />
			</IconButton>
		</div>
	);
}
