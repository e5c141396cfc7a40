import { setUpOwner } from "./people";
import { Server } from "./server";

/** One server for all tests: each of them is a learner of its own. */
export default async function setup(): Promise<() => Promise<void>> {
	// Every test holds a session or two; what the last one held may still be going away.
	const server = await Server.start({ args: ["--pool=1"] });
	process.env.NETGROUND_E2E_URL = server.url;
	// The owner, so that tests of classes need not wait for the one that uses the page for it.
	await setUpOwner(server);
	return () => server.stop();
}
