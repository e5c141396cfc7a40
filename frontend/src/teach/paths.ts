/** The addresses of the teacher's pages. */
const at = (...parts: string[]): string => `/teach${parts.map((part) => `/${encodeURIComponent(part)}`).join("")}`;

export const teachPath = "/teach";
export const newClassPath = "/teach/new";
export const staffPath = "/teach/staff";
export const classPath = (id: string): string => at(id);
export const editPath = (id: string): string => at(id, "edit");
export const rosterPath = (id: string): string => at(id, "roster");
export const resultsPath = (id: string): string => at(id, "results");
export const recordingsPath = (id: string, recording?: string): string =>
	recording ? at(id, "recordings", recording) : at(id, "recordings");
export const learnerPath = (id: string, member: string): string => at(id, "learner", member);
