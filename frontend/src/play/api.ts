/** The playground's part of the API. */
import { request } from "../api/client";
import type { CheckState, Lab, Playground, Session, TopologyCheck } from "../api/types";

export const getPlayground = (signal?: AbortSignal) => request<Playground>("GET", "playground", undefined, signal);

/** What the server makes of the text: the network to draw, or what is wrong. */
export const checkTopology = (text: string) => request<TopologyCheck>("POST", "playground/check", { text });

/** Starts the network of the text, or resumes it; another one that runs is replaced only if asked. */
export const play = (text: string, replace: boolean, signal?: AbortSignal) =>
	request<Session>("POST", "playground", { text, replace }, signal);

/** Whether the host of a playground reaches the address, and if not, why. */
export const askProbe = (id: string, from: string, to: string) =>
	request<CheckState>("POST", `sessions/${encodeURIComponent(id)}/probe`, { from, to });

export const getSessionLab = (id: string, signal?: AbortSignal) =>
	request<Lab>("GET", `sessions/${encodeURIComponent(id)}/lab`, undefined, signal);
