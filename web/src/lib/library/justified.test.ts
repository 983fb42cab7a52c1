import { expect, test } from 'vitest';
import { justify, rowsBetween, type Shape } from './justified';

const shapes = (count: number, day = (at: number) => String(Math.floor(at / 37))): Shape[] =>
  Array.from({ length: count }, (_, at) => ({ aspect: [1, 1.78, 0.56, 1.33, 2.33][at % 5]!, day: day(at) }));

test('every picture is placed exactly once, in order', () => {
  const { rows } = justify(shapes(500), 1200, 250, 8);
  expect(rows.flatMap((row) => row.cells.map((cell) => cell.index))).toEqual(Array.from({ length: 500 }, (_, at) => at));
});

test('full rows fill the width exactly and no row is wider', () => {
  const { rows } = justify(shapes(500, () => 'one'), 1200, 250, 8);
  const pictures = rows.filter((row) => row.cells.length);
  for (const row of pictures.slice(0, -1)) {
    const last = row.cells.at(-1)!;
    expect(last.x + last.width).toBe(1200);
  }
  for (const row of pictures) expect(row.cells.at(-1)!.x + row.cells.at(-1)!.width).toBeLessThanOrEqual(1201);
});

test('rows stay near the wanted height', () => {
  for (const width of [358, 800, 1400]) {
    const target = width < 500 ? 150 : 250;
    const rows = justify(shapes(400, () => 'one'), width, target, 6).rows.filter((row) => row.cells.length);
    for (const row of rows.slice(0, -1)) {
      expect(row.height).toBeGreaterThan(target * 0.4);
      expect(row.height).toBeLessThan(target * 1.4);
    }
  }
});

test('a lone picture is not blown up', () => {
  expect(justify([{ aspect: 1, day: 'one' }], 1400, 250, 8).rows[1]!.height).toBe(250);
});

test('rows do not overlap and days begin with their heading', () => {
  const { rows, height } = justify(shapes(200), 900, 200, 8);
  for (let at = 1; at < rows.length; at++) expect(rows[at]!.y).toBeGreaterThanOrEqual(rows[at - 1]!.y + rows[at - 1]!.height);
  expect(rows.filter((row) => row.day !== null)).toHaveLength(6);
  expect(rows.at(-1)!.y + rows.at(-1)!.height).toBe(height);
});

test('only the rows that touch the window are asked for, out of a hundred thousand pictures', () => {
  const { rows } = justify(shapes(100_000), 1200, 250, 8);
  const seen = rowsBetween(rows, 500_000, 501_000);
  expect(seen.length).toBeLessThan(10);
  for (const row of seen) {
    expect(row.y).toBeLessThanOrEqual(501_000);
    expect(row.y + row.height).toBeGreaterThanOrEqual(500_000);
  }
  const before = rows[rows.indexOf(seen[0]!) - 1]!;
  expect(before.y + before.height).toBeLessThan(500_000);
});
