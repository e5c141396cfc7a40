/** The part of the drawing that is in sight: all of it, or what the learner zoomed to. */
import type { Box } from "./card";
import { fitOf, maxScale, type Room } from "./layout";

export interface View {
	/** 1: fits. */
	zoom: number;
	/** The middle of what is in sight, off the drawing's middle. */
	x: number;
	y: number;
}

export const fitted: View = { zoom: 1, x: 0, y: 0 };
const [least, most] = [0.5, 4];

/** The corner where the buttons are. */
const corner: Room = { width: 108, height: 42 };

/** What a picture has: where its cards are, and all of it. */
type Drawn = Box & { cards: readonly Box[] };

/** How much of the pane's foot to leave free, so that the buttons hide no card while all is in sight. */
export function foot(picture: Drawn, room: Room): number {
	const scale = Math.min(fitOf(picture, room), maxScale);
	const right = picture.x + picture.w / 2 + (room.width / 2 - corner.width) / scale;
	const bottom = picture.y + picture.h / 2 + (room.height / 2 - corner.height) / scale;
	const hidden = picture.cards.some((card) => card.x + card.w > right && card.y + card.h > bottom);
	return hidden && room.height > 4 * corner.height ? corner.height - 8 : 0;
}

/** How large the drawing's unit is on the screen. */
export function scaleOf(picture: Drawn, room: Room, view: View): number {
	const free = { width: room.width, height: room.height - foot(picture, room) };
	return Math.min(fitOf(picture, free), maxScale) * view.zoom;
}

/** The viewBox: as large as the pane, so that nothing is letterboxed. */
export function viewBox(box: Drawn, room: Room, view: View): Box {
	const scale = scaleOf(box, room, view);
	const [w, h] = [room.width / scale, room.height / scale];
	const lift = foot(box, room) / 2 / scale;
	return { x: box.x + box.w / 2 + view.x - w / 2, y: box.y + box.h / 2 + view.y + lift - h / 2, w, h };
}

export function zoomBy(view: View, factor: number, box: Box): View {
	return moveBy({ ...view, zoom: Math.min(most, Math.max(least, view.zoom * factor)) }, 0, 0, box);
}

/** Moves the view, but never all of the drawing out of sight. */
export function moveBy(view: View, dx: number, dy: number, box: Box): View {
	const within = (v: number, half: number) => Math.min(half, Math.max(-half, v));
	return { ...view, x: within(view.x + dx, box.w / 2), y: within(view.y + dy, box.h / 2) };
}

/** Brings a card into sight, if it is not. */
export function showCard(view: View, card: Box, box: Drawn, room: Room): View {
	const seen = viewBox(box, room, view);
	const inside =
		card.x >= seen.x && card.y >= seen.y && card.x + card.w <= seen.x + seen.w && card.y + card.h <= seen.y + seen.h;
	if (inside) return view;
	const [cx, cy] = [card.x + card.w / 2, card.y + card.h / 2];
	return moveBy({ ...view, x: 0, y: 0 }, cx - (box.x + box.w / 2), cy - (box.y + box.h / 2), box);
}
