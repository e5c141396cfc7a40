/** The teacher's pages: who signs in, and which page the address names. */
import "../styles/lab.css";
import "../styles/live.css";
import "../styles/classviews.css";
import "../styles/report.css";
import "../styles/teach.css";
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { SignIn } from "../api/classes";
import { signOut, whoAmI } from "../api/classes";
import { ApiError } from "../api/client";
import { catalogue } from "../i18n/catalogue";
import { navigate } from "../router";
import { ErrorPage, MissingPage, offlineText } from "../ui/ErrorPage";
import { lazy } from "../ui/lazy";
import { ClassForm } from "./ClassForm";
import { ClassList } from "./ClassList";
import { ClassPage } from "./live/ClassPage";
import { teachPath } from "./paths";
import { Results } from "./Results";
import { Roster } from "./Roster";
import { SetUpPage, SignInPage } from "./SignInPage";
import { StaffPage } from "./StaffPage";

const text = catalogue(
	{ loading: "Loading…", failed: "The page could not be loaded completely." },
	{ loading: "불러오는 중입니다…", failed: "페이지를 다 불러오지 못했습니다." },
);

// The terminal and the lesson come with these: a grid needs neither.
const WatchPage = lazy(() => import("./watch/WatchPage").then((module) => module.WatchPage));
const Recordings = lazy(() => import("./playback/Recordings").then((module) => module.Recordings));

const who = signal<SignIn | null>(null);
const failure = signal<ApiError | null>(null);

async function ask(): Promise<void> {
	failure.value = null;
	try {
		who.value = await whoAmI();
	} catch (error) {
		if (!(error instanceof ApiError)) throw error;
		failure.value = error;
	}
}

/** The session of a teacher may end at any request: then the page asks to sign in, and goes on where it was. */
export function signedOut(error: unknown): boolean {
	const out = error instanceof ApiError && (error.problem?.type ?? "").endsWith("sign-in");
	if (out) void ask();
	return out;
}

export function TeachPages({ path }: { path: string[] }) {
	const [first = "", second = "", third = ""] = path;
	useEffect(() => void ask(), []);
	if (first === "setup" && path.length === 1) return <SetUpPage done={ask} />;
	if (failure.value && !who.value) {
		const { offline, message } = failure.value;
		return <ErrorPage text={offline ? offlineText() : message} retry={() => void ask()} />;
	}
	if (!who.value) return <p class="opening">{text().loading}</p>;
	const { me, oidc } = who.value;
	if (!me) return <SignInPage state={who.value} done={ask} />;
	const leave = () =>
		void signOut().then(() => {
			navigate(teachPath);
			return ask();
		});

	if (path.length === 0 || first === "sign-in") return <ClassList me={me} signOut={leave} />;
	if (first === "new" && path.length === 1) return me.role === "assistant" ? <MissingPage /> : <ClassForm key="new" />;
	if (first === "staff" && path.length === 1)
		return me.role === "owner" ? <StaffPage me={me} oidc={oidc} /> : <MissingPage />;
	if (path.length === 1) return <ClassPage key={first} id={first} />;
	if (path.length === 2 && second === "edit") return <ClassForm key={first} id={first} />;
	if (path.length === 2 && second === "roster") return <Roster key={first} id={first} />;
	if (path.length === 2 && second === "results") return <Results key={first} id={first} />;
	const wait = {
		fallback: <p class="opening">{text().loading}</p>,
		failure: (retry: () => void) => <ErrorPage text={text().failed} retry={retry} />,
	};
	if (second === "recordings" && path.length <= 3)
		return <Recordings key={first} id={first} recording={third} {...wait} />;
	if (second === "learner" && path.length === 3)
		return <WatchPage key={`${first}/${third}`} id={first} member={third} {...wait} />;
	return <MissingPage />;
}
