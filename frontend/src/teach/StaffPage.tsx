/** The owner's page of teachers and assistants: who there is, and links for new ones. */
import { useEffect, useState } from "preact/hooks";
import type { Me, Role, Staff } from "../api/classes";
import { addStaff, getStaff, newStaffLink, removeStaff } from "../api/classes";
import { catalogue } from "../i18n/catalogue";
import { announce } from "../state/announce";
import { copyText } from "../ui/copy";
import { Confirm } from "../ui/Dialog";
import { Copy } from "../ui/icons";
import { Asks } from "./asks";
import { Frame } from "./Frame";
import { Choice, Field } from "./fields";
import { teachPath } from "./paths";

const text = catalogue(
	{
		title: "Teachers and assistants",
		back: "Classes",
		invite: "Invite somebody",
		inviteNote: "You get a link that works once, with which the person chooses a password.",
		oidcNote: (at: string) => `Who signs in by “${at}” needs no link: give the mail address there as the sign-in name.`,
		login: "Sign-in name",
		name: "Name, as learners see it",
		role: "Role",
		teacher: "Teacher",
		assistant: "Assistant",
		owner: "Owner",
		make: "Make a link",
		link: (name: string) => `The link for ${name}. Send it to nobody else; it is shown only here.`,
		copy: "Copy the link",
		copied: "Copied.",
		pending: "has not used the link yet",
		reset: "New link for a new password",
		remove: "Remove",
		removeAsk: (name: string) => `Remove ${name}?`,
		removeText: "The account is gone and is signed out everywhere. Classes stay.",
	},
	{
		title: "교사와 조교",
		back: "수업 목록",
		invite: "초대하기",
		inviteNote: "한 번만 쓸 수 있는 링크가 만들어집니다. 받은 사람은 그 링크에서 비밀번호를 정합니다.",
		oidcNote: (at) => `“${at}” 로그인을 쓸 사람은 링크 없이, 그곳의 이메일 주소를 로그인 이름으로 적으면 됩니다.`,
		login: "로그인 이름",
		name: "학습자에게 보일 이름",
		role: "역할",
		teacher: "교사",
		assistant: "조교",
		owner: "소유자",
		make: "링크 만들기",
		link: (name) => `${name} 님에게 보낼 링크입니다. 지금만 보이며, 다른 사람에게는 보내지 마십시오.`,
		copy: "링크 복사",
		copied: "복사했습니다.",
		pending: "아직 링크를 열지 않음",
		reset: "새 비밀번호 링크 만들기",
		remove: "삭제",
		removeAsk: (name) => `${name} 님을 삭제하시겠습니까?`,
		removeText: "계정이 사라지고 모든 기기에서 로그아웃됩니다. 수업은 그대로 남습니다.",
	},
);

export function StaffPage({ me, oidc }: { me: Me; oidc: string }) {
	const t = text();
	const [asks] = useState(() => new Asks());
	const [all, setAll] = useState<Staff[]>([]);
	const [login, setLogin] = useState("");
	const [name, setName] = useState("");
	const [role, setRole] = useState<Role>("teacher");
	const [link, setLink] = useState<{ name: string; url: string } | null>(null);
	const [removing, setRemoving] = useState<Staff | null>(null);
	const reload = () => void asks.run("list", getStaff, setAll);
	useEffect(reload, []);
	const show = (who: string, path: string) => setLink({ name: who, url: new URL(path, location.href).href });
	const submit = (event: Event) => {
		event.preventDefault();
		void asks.run(
			"add",
			() => addStaff(login.trim(), name.trim(), role),
			(made) => {
				show(made.staff.name, made.link);
				setLogin("");
				setName("");
				reload();
			},
		);
	};
	return (
		<Frame title={t.title} back={{ href: teachPath, label: t.back }} asks={asks}>
			<ul class="plain-list">
				{all.map((one) => (
					<li key={one.id}>
						<span>
							{one.name} <span class="label">{one.login}</span>
						</span>
						<span class="label">{t[one.role]}</span>
						{one.pending && <span class="label">{t.pending}</span>}
						<span class="grow" />
						<button
							type="button"
							onClick={() =>
								void asks.run(
									"link",
									() => newStaffLink(one.id),
									(made) => show(one.name, made.link),
								)
							}
						>
							{t.reset}
						</button>
						<button type="button" disabled={one.id === me.id} onClick={() => setRemoving(one)}>
							{t.remove}
						</button>
					</li>
				))}
			</ul>
			{link && (
				<div class="callout-plain" role="status" data-testid="staff-link">
					<p>{t.link(link.name)}</p>
					<p class="copy-line">
						<code>{link.url}</code>
						<button type="button" onClick={() => void copyText(link.url).then((ok) => ok && announce(t.copied))}>
							<Copy />
							{t.copy}
						</button>
					</p>
				</div>
			)}
			<section class="desk-section">
				<h2>{t.invite}</h2>
				<p class="field-note">{t.inviteNote}</p>
				{oidc && <p class="field-note">{t.oidcNote(oidc)}</p>}
				<form class="form" onSubmit={submit}>
					<div class="field-row">
						<Field label={t.login} value={login} onInput={setLogin} exact required narrow />
						<Field label={t.name} value={name} onInput={setName} required narrow />
						<Choice
							label={t.role}
							value={role}
							options={[
								["teacher", t.teacher],
								["assistant", t.assistant],
								["owner", t.owner],
							]}
							onChange={setRole}
						/>
					</div>
					<p class="form-foot">
						<button type="submit" class="primary" aria-busy={asks.pending.value.has("add")}>
							{t.make}
						</button>
					</p>
				</form>
			</section>
			{removing && (
				<Confirm
					title={t.removeAsk(removing.name)}
					action={t.remove}
					onClose={() => setRemoving(null)}
					onConfirm={() => void asks.run("remove", () => removeStaff(removing.id), reload)}
				>
					<p>{t.removeText}</p>
				</Confirm>
			)}
		</Frame>
	);
}
