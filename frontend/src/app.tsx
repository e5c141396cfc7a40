/** The page: which route it shows, and what all routes share. */
import { catalogue } from "./i18n/catalogue";
import { route } from "./router";
import { ErrorPage, MissingPage } from "./ui/ErrorPage";
import { Live } from "./ui/Live";
import { lazy } from "./ui/lazy";
import { Tools } from "./ui/Tools";
import { TopBar } from "./ui/TopBar";

const text = catalogue(
	{ opening: "Opening the lab…", loading: "Loading…", failed: "The page could not be loaded completely." },
	{ opening: "실습을 여는 중입니다…", loading: "불러오는 중입니다…", failed: "페이지를 다 불러오지 못했습니다." },
);

export const LabPage = lazy(() => import("./lab/LabPage").then((module) => module.LabPage));
const CoursePage = lazy(() => import("./course/CoursePage").then((module) => module.CoursePage));
const CheatSheetPage = lazy(() => import("./course/CheatSheetPage").then((module) => module.CheatSheetPage));
const TeachPages = lazy(() => import("./teach/TeachPages").then((module) => module.TeachPages));
const JoinPage = lazy(() => import("./join/JoinPage").then((module) => module.JoinPage));
const PlayPage = lazy(() => import("./play/PlayPage").then((module) => module.PlayPage));

export function App() {
	const now = route.value;
	return (
		<>
			<Live />
			{now.name === "course" && <CoursePage fallback={<Opening text={text().loading} />} failure={failure} />}
			{now.name === "lab" && (
				<LabPage key={now.lab} name={now.lab} fallback={<Opening text={text().opening} />} failure={failure} />
			)}
			{now.name === "teach" && (
				<TeachPages path={now.path} fallback={<Opening text={text().loading} />} failure={failure} />
			)}
			{(now.name === "join" || now.name === "back") && (
				<JoinPage
					code={now.name === "join" ? now.code : null}
					fallback={<Opening text={text().loading} />}
					failure={failure}
				/>
			)}
			{now.name === "play" && (
				<PlayPage runs={now.runs} fallback={<Opening text={text().loading} />} failure={failure} />
			)}
			{now.name === "cheatsheet" && <CheatSheetPage fallback={<Opening text={text().loading} />} failure={failure} />}
			{now.name === "missing" && <MissingPage />}
		</>
	);
}

const failure = (retry: () => void) => <ErrorPage text={text().failed} retry={retry} />;

/** For the moment in which a page's code is on its way. */
function Opening({ text: sentence }: { text: string }) {
	return (
		<div class="page">
			<TopBar>
				<Tools />
			</TopBar>
			<p class="opening">{sentence}</p>
		</div>
	);
}
