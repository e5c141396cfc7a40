/** A page that could not be shown, and what to do about it. */
import { catalogue } from "../i18n/catalogue";
import { Again } from "./icons";
import { Tools } from "./Tools";
import { TopBar } from "./TopBar";
import { usePageTitle } from "./title";

const text = catalogue(
	{
		missing: "Nothing is plugged in here",
		missingText: "This address leads nowhere. All labs are listed in the course.",
		course: "To the course",
		trouble: "This did not work",
		retry: "Try again",
		offline: "The server cannot be reached. Check your connection.",
	},
	{
		missing: "여기에는 아무것도 연결되어 있지 않습니다",
		missingText: "주소가 잘못되었습니다. 모든 실습은 과정 목록에 있습니다.",
		course: "과정 목록으로",
		trouble: "문제가 생겼습니다",
		retry: "다시 시도",
		offline: "서버에 연결할 수 없습니다. 네트워크 연결을 확인해 주십시오.",
	},
);

export const offlineText = (): string => text().offline;

export function MissingPage() {
	const t = text();
	usePageTitle(t.missing);
	return (
		<div class="page">
			<TopBar>
				<Tools />
			</TopBar>
			<main class="message" tabIndex={-1}>
				<h1>{t.missing}</h1>
				<p>{t.missingText}</p>
				<p>
					<a href="/">{t.course}</a>
				</p>
			</main>
		</div>
	);
}

export function ErrorPage({ text: sentence, retry }: { text: string; retry: () => void }) {
	const t = text();
	return (
		<div class="page">
			<TopBar>
				<Tools />
			</TopBar>
			<main class="message">
				<h1>{t.trouble}</h1>
				<p role="alert">{sentence}</p>
				<p>
					<button type="button" onClick={retry}>
						<Again />
						{t.retry}
					</button>
				</p>
			</main>
		</div>
	);
}
