/** Types a command of the lesson into a shell. */
import { effect } from "@preact/signals";
import type { Shell } from "./shell";
import { text } from "./text";

/** How long a shell may take to connect, to hand the keyboard over, and to show its prompt. */
export const waits = { open: 8000, keyboard: 2000, prompt: 1500 };

/** The keys that a command is: several lines are one paste where the shell knows pastes. */
export function keysOf(command: string, prompt: boolean): string {
	const lines = command.replace(/\r?\n/g, "\r").replace(/\r+$/, "");
	if (!prompt) return `${lines}\r`;
	// What was half typed goes away first: to the end of the line, then all before it.
	const clean = "\x05\x15";
	return lines.includes("\r") ? `${clean}\x1b[200~${lines}\x1b[201~\r` : `${clean}${lines}\r`;
}

export async function typeCommand(shell: Shell, command: string, fresh: boolean): Promise<void> {
	const t = text();
	const open = await until(() => shell.state.value.kind === "open" || shell.state.value.kind === "closed", waits.open);
	if (!open || !shell.live) throw new Error(t.unreachable(shell.host));
	if (!shell.writer.peek()) {
		// Who asks for a command to run here wants the keyboard.
		shell.takeKeyboard();
		if (!(await until(() => shell.writer.value, waits.keyboard))) throw new Error(t.noKeyboard(shell.host));
	}
	const screen = shell.screen;
	// Typed ahead of its first prompt, a command shows twice; and what runs there shows only once all is replayed.
	await poll(() => screen?.atPrompt || !(fresh || shell.replaying), waits.prompt);
	if (screen?.fullScreen) throw new Error(t.fullScreen(shell.host));
	if (!shell.type(keysOf(command, screen?.atPrompt ?? false))) throw new Error(t.unreachable(shell.host));
}

/** Waits for a condition on signals. False: it did not come true in time. */
export function until(condition: () => boolean, ms: number): Promise<boolean> {
	return new Promise((resolve) => {
		let stop: (() => void) | undefined;
		let done = false;
		const end = (value: boolean) => {
			done = true;
			clearTimeout(timer);
			stop?.();
			resolve(value);
		};
		const timer = setTimeout(() => end(false), ms);
		stop = effect(() => {
			if (!done && condition()) queueMicrotask(() => end(true));
		});
	});
}

async function poll(condition: () => boolean, ms: number): Promise<void> {
	const end = Date.now() + ms;
	while (!condition() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
}
