/**
 * What the lab page hands to its panes. The panes live in folders of their
 * own (terminal, diagram); this is all that they and the page know of each
 * other.
 */
import type { ComponentChildren } from "preact";
import type { HostState, Language, NetworkState, Session, Terminal, Topology } from "./types";

export type Theme = "light" | "dark";

/** Of src/terminal/TerminalPane.tsx. */
export interface TerminalPaneProps {
	sessionId: string;
	hosts: HostState[];
	/** The session's terminals as the server lists them, kept up to date by events. */
	terminals: Terminal[];
	/** The session's state; nobody can type into one that has ended. */
	sessionState: Session["state"];
	theme: Theme;
	language: Language;
	/** The host whose terminal is in front has changed. */
	onActive?: (host: string) => void;
	watched?: WatchedTerminals;
	/** Whom the learner lets type here, by name; empty for nobody. */
	guest?: string;
}

/** Terminals that are somebody else's: they are read, and typed into only while that one allows it. */
export interface WatchedTerminals {
	/** The address of a terminal's websocket. */
	url: (terminal: string) => URL;
	/** What is said, and offered, where one cannot type. */
	status: (take: () => void) => ComponentChildren;
}

/**
 * Of src/terminal/TerminalPane.tsx, as runIn: types the command, and Enter,
 * into the host's terminal (opening one if there is none) and shows it.
 * Resolves when the keys are sent; rejects with a sentence if they cannot be.
 */
export type RunIn = (host: string, command: string) => Promise<void>;

/**
 * Of src/terminal/TerminalPane.tsx, as showHost: brings the host's terminal
 * to the front (opening one if there is none) and puts the focus into it.
 */
export type ShowHost = (host: string) => Promise<void>;

/** Of src/diagram/Diagram.tsx: props of both Diagram and NetworkTable. */
export interface DiagramProps {
	topology: Topology;
	/** Null until the first state event. */
	state: NetworkState | null;
	hosts: HostState[];
	language: Language;
	/** The host whose terminal is in front; drawn as selected. */
	active?: string | undefined;
	/** Nothing moves: asked by the system or by the learner. */
	still: boolean;
	/** The learner wants the host's terminal. */
	onHost: (host: string) => void;
}
