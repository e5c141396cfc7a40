/** A cable between browser and server that can be pulled. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class Cable {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	#cut = false;

	private constructor(target: URL) {
		this.#server = createServer((near) => {
			if (this.#cut) {
				near.destroy();
				return;
			}
			const far = connect(Number(target.port), target.hostname);
			for (const [socket, other] of [
				[near, far],
				[far, near],
			] as const) {
				this.#sockets.add(socket);
				socket.setNoDelay(true);
				socket.pipe(other);
				socket.on("error", () => {});
				socket.on("close", () => {
					this.#sockets.delete(socket);
					other.destroy();
				});
			}
		}).listen(0, "127.0.0.1");
	}

	static async start(target: string): Promise<Cable> {
		const cable = new Cable(new URL(target));
		await new Promise((resolve) => cable.#server.once("listening", resolve));
		return cable;
	}

	/** The server's address at the other end of the cable. */
	get url(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	/** Breaks every connection; new ones fail until mend. */
	cut(): void {
		this.#cut = true;
		this.drop();
	}

	mend(): void {
		this.#cut = false;
	}

	/** Breaks every connection; new ones succeed. */
	drop(): void {
		for (const socket of this.#sockets) socket.destroy();
	}

	async close(): Promise<void> {
		this.cut();
		await new Promise((resolve) => this.#server.close(resolve));
	}
}
