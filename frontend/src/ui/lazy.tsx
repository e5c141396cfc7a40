/** A component whose code is fetched when it is first shown. */
import { type Signal, signal } from "@preact/signals";
import type { ComponentChildren, ComponentType } from "preact";

interface State<P> {
	component: ComponentType<P> | null;
	failed: boolean;
}

export interface Lazy<P> {
	(props: P & { fallback?: ComponentChildren; failure?: (retry: () => void) => ComponentChildren }): ComponentChildren;
	/** Fetches the code ahead of need. */
	preload(): void;
}

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): Lazy<P> {
	const state: Signal<State<P>> = signal({ component: null, failed: false });
	let asked = false;
	const preload = () => {
		if (asked) return;
		asked = true;
		load().then(
			(component) => {
				state.value = { component, failed: false };
			},
			() => {
				asked = false;
				state.value = { component: null, failed: true };
			},
		);
	};
	const retry = () => {
		state.value = { component: null, failed: false };
		preload();
	};
	function Loaded({ fallback, failure, ...props }: Parameters<Lazy<P>>[0]): ComponentChildren {
		const { component: Component, failed } = state.value;
		if (Component) return <Component {...(props as unknown as P)} />;
		if (failed) return failure?.(retry) ?? null;
		preload();
		return fallback ?? null;
	}
	return Object.assign(Loaded, { preload });
}
