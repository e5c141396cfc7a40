/** A small provider of OpenID Connect on this machine, which vouches for whomever the test names; its tokens are signed in earnest. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Person {
	subject: string;
	email: string;
	name: string;
	verified?: boolean;
}

const client = { id: "netground", secret: "a secret of the tests" };
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const b64 = (text: string) => Buffer.from(text).toString("base64url");

function token(claims: Record<string, unknown>): string {
	const text = `${b64(JSON.stringify({ alg: "RS256", kid: "1", typ: "JWT" }))}.${b64(JSON.stringify(claims))}`;
	return `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
}

export class Provider {
	readonly #server: Server;
	/** Who sits at the provider; null: somebody who says no. */
	person: Person | null = null;
	/** The questions that wait for their token, by the code that stands for each. */
	readonly #asked = new Map<string, { person: Person; challenge: string; nonce: string; redirect: string }>();
	/** Where browsers were to be sent back to. */
	readonly redirects = new Set<string>();

	private constructor() {
		this.#server = createServer((request, response) => void this.#answer(request, response));
	}

	static async start(): Promise<Provider> {
		const provider = new Provider();
		await new Promise<void>((resolve) => provider.#server.listen(0, "127.0.0.1", resolve));
		return provider;
	}

	get url(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	/** What a server needs to know of it. */
	get args(): string[] {
		const { id, secret } = client;
		return [
			`--oidc-issuer=${this.url}`,
			`--oidc-client=${id}`,
			`--oidc-secret=${secret}`,
			"--oidc-name=School account",
		];
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const url = new URL(request.url ?? "/", this.url);
		const json = (status: number, value: unknown) => {
			response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
		};
		switch (url.pathname) {
			case "/.well-known/openid-configuration":
				return json(200, {
					issuer: this.url,
					authorization_endpoint: `${this.url}/authorize`,
					token_endpoint: `${this.url}/token`,
					jwks_uri: `${this.url}/keys`,
					id_token_signing_alg_values_supported: ["RS256"],
				});
			case "/keys":
				return json(200, { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }] });
			case "/authorize": {
				const asked = (name: string) => url.searchParams.get(name) ?? "";
				const back = new URL(asked("redirect_uri"));
				this.redirects.add(back.href);
				back.searchParams.set("state", asked("state"));
				if (this.person && asked("client_id") === client.id && asked("code_challenge_method") === "S256") {
					const code = `code-${this.#asked.size}`;
					const { person } = this;
					this.#asked.set(code, {
						person,
						challenge: asked("code_challenge"),
						nonce: asked("nonce"),
						redirect: asked("redirect_uri"),
					});
					back.searchParams.set("code", code);
				} else {
					back.searchParams.set("error", "access_denied");
				}
				response.writeHead(302, { Location: back.href }).end();
				return;
			}
			case "/token": {
				let body = "";
				for await (const part of request) body += part;
				const form = new URLSearchParams(body);
				const asked = this.#asked.get(form.get("code") ?? "");
				const verifier = createHash("sha256")
					.update(form.get("code_verifier") ?? "")
					.digest("base64url");
				const basic = `Basic ${Buffer.from(`${client.id}:${encodeURIComponent(client.secret).replaceAll("%20", "+")}`).toString("base64")}`;
				const known = request.headers.authorization === basic || form.get("client_secret") === client.secret;
				if (!asked || verifier !== asked.challenge || form.get("redirect_uri") !== asked.redirect || !known)
					return json(400, { error: "invalid_grant" });
				const now = Math.floor(Date.now() / 1000);
				const { subject, email, name, verified = true } = asked.person;
				const claims = { iss: this.url, aud: client.id, iat: now, exp: now + 600, nonce: asked.nonce };
				return json(200, {
					access_token: "not used",
					token_type: "Bearer",
					id_token: token({ ...claims, sub: subject, email, email_verified: verified, name }),
				});
			}
			default:
				response.writeHead(404).end();
		}
	}
}
