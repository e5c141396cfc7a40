/** The keyboard in a grid: one cell takes part in the Tab order, arrows move from there (the ARIA grid pattern). */
import { navigate } from "../../router";

const cells = "[role=gridcell], [role=rowheader], [role=columnheader]";
const page = 10;

const rowsOf = (grid: HTMLElement) => [...grid.querySelectorAll<HTMLElement>("[role=row]")];
const cellsOf = (row: Element | undefined) => [...(row?.querySelectorAll<HTMLElement>(cells) ?? [])];

/** Sees to it that there is a cell to come to with Tab; it is kept outside of what is drawn, so that no row has to be. */
export function roving(grid: HTMLElement): void {
	if (grid.querySelector(`:is(${cells})[tabindex="0"]`)) return;
	const rows = rowsOf(grid);
	const first = cellsOf(rows[1] ?? rows[0])[0];
	if (first) first.tabIndex = 0;
}

function focusCell(grid: HTMLElement, cell: HTMLElement): void {
	for (const other of grid.querySelectorAll<HTMLElement>(`:is(${cells})[tabindex="0"]`)) other.tabIndex = -1;
	cell.tabIndex = 0;
	cell.focus();
	cell.scrollIntoView?.({ block: "nearest", inline: "nearest" });
}

/** Moves by the key, or opens what the cell stands for. */
export function moveInGrid(event: KeyboardEvent, grid: HTMLElement): void {
	if (event.altKey || event.metaKey || !(event.target instanceof HTMLElement)) return;
	const cell = event.target.closest<HTMLElement>(cells);
	if (!cell) return;
	const rows = rowsOf(grid);
	const row = rows.findIndex((r) => r.contains(cell));
	const column = cellsOf(rows[row]).indexOf(cell);
	const to = (r: number, c: number): void => {
		const line = cellsOf(rows[Math.min(rows.length - 1, Math.max(0, r))]);
		const next = line.at(Math.min(line.length - 1, Math.max(0, c)));
		if (next) focusCell(grid, next);
	};
	const last = cellsOf(rows[row]).length - 1;
	switch (event.key) {
		case "ArrowUp":
			to(row - 1, column);
			break;
		case "ArrowDown":
			to(row + 1, column);
			break;
		case "ArrowLeft":
			to(row, column - 1);
			break;
		case "ArrowRight":
			to(row, column + 1);
			break;
		case "Home":
			to(event.ctrlKey ? 0 : row, 0);
			break;
		case "End":
			to(event.ctrlKey ? rows.length - 1 : row, last);
			break;
		case "PageUp":
			to(row - page, column);
			break;
		case "PageDown":
			to(row + page, column);
			break;
		case "Enter":
		case " ": {
			const path = cell.dataset.open;
			if (path) navigate(path);
			break;
		}
		default:
			return;
	}
	event.preventDefault();
}
