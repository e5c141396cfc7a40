/** The page: which route it shows, and what all routes share. */
import { CoursePage } from "./course/CoursePage";
import { catalogue } from "./i18n/catalogue";
import { route } from "./router";
import { ErrorPage, MissingPage } from "./ui/ErrorPage";
import { Live } from "./ui/Live";
import { lazy } from "./ui/lazy";
import { Tools } from "./ui/Tools";
import { TopBar } from "./ui/TopBar";

const text = catalogue(
	{ opening: "Opening the lab…", failed: "The page could not be loaded completely." },
	{ opening: "실습을 여는 중입니다…", failed: "페이지를 다 불러오지 못했습니다." },
);

export const LabPage = lazy(() => import("./lab/LabPage").then((module) => module.LabPage));

export function App() {
	const now = route.value;
	return (
		<>
			<Live />
			{now.name === "course" && <CoursePage />}
			{now.name === "lab" && (
				<LabPage
					key={now.lab}
					name={now.lab}
					fallback={<Opening />}
					failure={(retry) => <ErrorPage text={text().failed} retry={retry} />}
				/>
			)}
			{now.name === "missing" && <MissingPage />}
		</>
	);
}

/** For the moment in which the lab page's code is on its way. */
function Opening() {
	return (
		<div class="page">
			<TopBar>
				<Tools />
			</TopBar>
			<p class="opening">{text().opening}</p>
		</div>
	);
}
