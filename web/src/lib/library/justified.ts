/**
 * Lays pictures of any shape into rows of one width and nearly one height, days apart. Pure, in pixels.
 * Rows carry their own place, so that only those near the screen need to be drawn.
 */
export type Shape = { aspect: number; day: string };
export type Cell = { index: number; x: number; width: number };
export type Row = { y: number; height: number; cells: Cell[]; day: string | null };
export type Layout = { rows: Row[]; height: number };

export const DAY_HEIGHT = 44;
const MOST_STRETCH = 1.35;

export function justify(shapes: readonly Shape[], width: number, target: number, gap: number): Layout {
  const rows: Row[] = [];
  let y = 0;
  let start = 0;
  let sum = 0;

  const close = (end: number, full: boolean): void => {
    if (end === start) return;
    const space = width - gap * (end - start - 1);
    const fitting = space / sum;
    // The last row of a day keeps the usual height instead of blowing up one picture.
    const height = Math.round(full ? fitting : Math.min(fitting, target));
    let x = 0;
    const cells: Cell[] = [];
    for (let index = start; index < end; index++) {
      const last = full && index === end - 1;
      const cell = last ? width - x : Math.round(shapes[index]!.aspect * height);
      cells.push({ index, x, width: Math.max(1, cell) });
      x += cell + gap;
    }
    rows.push({ y, height, cells, day: null });
    y += height + gap;
    start = end;
    sum = 0;
  };

  for (let index = 0; index < shapes.length; index++) {
    const shape = shapes[index]!;
    if (index === 0 || shape.day !== shapes[index - 1]!.day) {
      close(index, false);
      rows.push({ y, height: DAY_HEIGHT, cells: [], day: shape.day });
      y += DAY_HEIGHT;
    }
    const before = sum;
    sum += shape.aspect;
    const count = index - start + 1;
    const fitting = (width - gap * (count - 1)) / sum;
    if (fitting > target) continue;
    // Whichever is nearer to the usual height: with this picture or without it.
    const without = before > 0 ? (width - gap * (count - 2)) / before : Infinity;
    if (without < target * MOST_STRETCH && without - target < target - fitting) {
      sum = before;
      close(index, true);
      sum = shape.aspect;
      if (width / sum <= target) close(index + 1, true);
    } else close(index + 1, true);
  }
  close(shapes.length, false);
  return { rows, height: Math.max(0, y - gap) };
}

/** The rows that touch the part of the list between `top` and `bottom`, found by halving. */
export function rowsBetween(rows: readonly Row[], top: number, bottom: number): Row[] {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle]!;
    if (row.y + row.height < top) low = middle + 1;
    else high = middle;
  }
  const seen: Row[] = [];
  for (let at = low; at < rows.length && rows[at]!.y <= bottom; at++) seen.push(rows[at]!);
  return seen;
}
