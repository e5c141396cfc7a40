/** How a teacher gets in: by a password, by the school's own sign-in, or, the first time, by a link. */
import { useEffect, useState } from "preact/hooks";
import type { SignIn } from "../api/classes";
import { linkFor, setUp, signIn } from "../api/classes";
import { catalogue } from "../i18n/catalogue";
import { navigate } from "../router";
import { usePageTitle } from "../ui/title";
import { Asks } from "./asks";
import { Door, Wrong } from "./Door";
import { Field } from "./fields";
import { teachPath } from "./paths";

const text = catalogue(
	{
		title: "Teachers' sign-in",
		intro: "For those who host a class. Learners need no account: they join by a code.",
		join: "I have a join code",
		login: "Sign-in name",
		password: "Password",
		signIn: "Sign in",
		or: "or",
		setup: "Nobody can sign in yet",
		setupText:
			"When it first started, the server printed a link with which the first teacher sets a password. It begins with …/teach/setup. Open that one.",
		unknown: (at: string) =>
			`${at} knows you, but the account does not teach here. Ask the owner of this server to add your mail address as a sign-in name.`,
		denied: (at: string) => `${at} did not sign you in. Try again.`,
		unreachable: (at: string) => `${at} cannot be reached just now. Try again later, or tell whoever runs this server.`,
		welcome: "Choose a password",
		welcomeText: "The link works once. From then on you sign in with the sign-in name and the password.",
		name: "Your name, as learners see it",
		again: "The password again",
		rule: "At least 10 characters. A few words in a row are good.",
		differ: "The two passwords differ.",
		save: "Save and go on",
		noToken: "This address lacks the end of the link. Copy it whole, with all behind the #.",
		loading: "Looking the link up…",
	},
	{
		title: "교사 로그인",
		intro: "수업을 여는 분을 위한 화면입니다. 학습자는 계정 없이 참여 코드로 들어옵니다.",
		join: "참여 코드가 있습니다",
		login: "로그인 이름",
		password: "비밀번호",
		signIn: "로그인",
		or: "또는",
		setup: "아직 아무도 로그인할 수 없습니다",
		setupText:
			"서버를 처음 시작할 때 첫 번째 교사가 비밀번호를 정하는 링크가 출력되었습니다. …/teach/setup으로 시작하는 그 링크를 여십시오.",
		unknown: (at) =>
			`${at}에서 본인은 확인했지만, 이 서버의 교사로 등록된 계정이 아닙니다. 서버 소유자에게 이메일 주소를 로그인 이름으로 추가해 달라고 요청하십시오.`,
		denied: (at) => `${at}에서 로그인이 완료되지 않았습니다. 다시 시도하십시오.`,
		unreachable: (at) => `지금은 ${at}에 연결할 수 없습니다. 잠시 뒤 다시 시도하거나 서버 관리자에게 알려 주십시오.`,
		welcome: "비밀번호 정하기",
		welcomeText: "이 링크는 한 번만 쓸 수 있습니다. 다음부터는 로그인 이름과 비밀번호로 로그인합니다.",
		name: "학습자에게 보일 이름",
		again: "비밀번호 확인",
		rule: "10자 이상으로 정합니다. 단어 몇 개를 이어 쓰면 좋습니다.",
		differ: "두 비밀번호가 다릅니다.",
		save: "저장하고 계속",
		noToken: "링크의 뒷부분이 빠졌습니다. # 뒤까지 전체를 복사해 여십시오.",
		loading: "링크를 확인하는 중입니다…",
	},
);

export function SignInPage({ state, done }: { state: SignIn; done: () => Promise<void> }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const [login, setLogin] = useState("");
	const [password, setPassword] = useState("");
	usePageTitle(t.title);
	const error = new URLSearchParams(location.search).get("error");
	const problem =
		error &&
		state.oidc &&
		(error === "unknown" ? t.unknown : error === "provider" ? t.unreachable : t.denied)(state.oidc);
	const submit = (event: Event) => {
		event.preventDefault();
		void asks.run("sign-in", () => signIn(login.trim(), password)).then((ok) => (ok ? done() : undefined));
	};
	return (
		<Door>
			<h1>{t.title}</h1>
			<p class="door-intro">{t.intro}</p>
			{problem && (
				<p class="door-problem" role="alert">
					{problem}
				</p>
			)}
			{state.setup ? (
				<div class="callout-plain">
					<h2>{t.setup}</h2>
					<p>{t.setupText}</p>
				</div>
			) : (
				<form class="form" onSubmit={submit}>
					<Field
						label={t.login}
						value={login}
						onInput={setLogin}
						autocomplete="username"
						exact
						required
						testid="login"
					/>
					<Field
						label={t.password}
						type="password"
						value={password}
						onInput={setPassword}
						autocomplete="current-password"
						required
						testid="password"
					/>
					<Wrong asks={asks} />
					<button type="submit" class="primary" data-testid="sign-in" aria-busy={asks.pending.value.has("sign-in")}>
						{t.signIn}
					</button>
				</form>
			)}
			{state.oidc && (
				<p class="door-oidc">
					<span class="label">{t.or}</span>
					<a class="button" href="/api/oidc">
						{state.oidc}
					</a>
				</p>
			)}
			<p>
				<a href="/join">{t.join}</a>
			</p>
		</Door>
	);
}

export function SetUpPage({ done }: { done: () => Promise<void> }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const [token] = useState(() => location.hash.slice(1));
	const [known, setKnown] = useState(false);
	const [login, setLogin] = useState("");
	const [name, setName] = useState("");
	const [password, setPassword] = useState("");
	const [again, setAgain] = useState("");
	const [differ, setDiffer] = useState(false);
	usePageTitle(t.welcome);
	useEffect(() => {
		if (!token) return;
		void asks.run(
			"link",
			() => linkFor(token),
			(link) => {
				setKnown(true);
				setLogin(link.login);
				setName(link.name);
			},
		);
	}, [token, asks]);
	const submit = (event: Event) => {
		event.preventDefault();
		setDiffer(password !== again);
		if (password !== again) return;
		void asks
			.run("setup", () => setUp(token, login.trim(), name.trim(), password))
			.then(async (ok) => {
				if (!ok) return;
				// Not to be found again in the browser's history.
				history.replaceState(null, "", location.pathname);
				await done();
				navigate(teachPath);
			});
	};
	return (
		<Door>
			<h1>{t.welcome}</h1>
			{!token ? (
				<p role="alert">{t.noToken}</p>
			) : known ? (
				<>
					<p class="door-intro">{t.welcomeText}</p>
					<form class="form" onSubmit={submit}>
						<Field
							label={t.login}
							value={login}
							onInput={setLogin}
							autocomplete="username"
							exact
							required
							testid="login"
						/>
						<Field label={t.name} value={name} onInput={setName} autocomplete="name" required testid="name" />
						<Field
							label={t.password}
							type="password"
							value={password}
							onInput={setPassword}
							autocomplete="new-password"
							note={t.rule}
							required
							testid="password"
						/>
						<Field
							label={t.again}
							type="password"
							value={again}
							onInput={setAgain}
							autocomplete="new-password"
							required
							testid="again"
						/>
						{differ && (
							<p class="door-problem" role="alert">
								{t.differ}
							</p>
						)}
						<Wrong asks={asks} />
						<button type="submit" class="primary" data-testid="save" aria-busy={asks.pending.value.has("setup")}>
							{t.save}
						</button>
					</form>
				</>
			) : (
				<>
					<Wrong asks={asks} />
					{asks.problem.value === null ? (
						<p class="label">{t.loading}</p>
					) : (
						<p>
							<a href={teachPath}>{t.title}</a>
						</p>
					)}
				</>
			)}
		</Door>
	);
}
