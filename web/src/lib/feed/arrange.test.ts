import { expect, test } from 'vitest';
import { arrange, arrangeKind } from './arrange';

test('never wider than the width nor taller than the height allows', () => {
  for (const count of [1, 2, 3, 4, 6, 8])
    for (const aspect of [0.4, 0.56, 1, 1.78, 2.4]) {
      const box = arrange(count, aspect, 880, 420);
      const rows = Math.ceil(count / box.columns);
      expect(box.columns * box.width + (box.columns - 1) * 8).toBeLessThanOrEqual(880);
      expect(rows * box.height + (rows - 1) * 8).toBeLessThanOrEqual(420);
    }
});

test('four wide pictures stand two by two, four tall ones in a row', () => {
  expect(arrange(4, 1.78, 880, 500).columns).toBe(2);
  expect(arrange(4, 0.56, 880, 420).columns).toBe(4);
});

test('on a phone a lone picture takes the width and several stand in pairs', () => {
  expect(arrange(1, 1, 358, 520)).toEqual({ columns: 1, width: 358, height: 358 });
  expect(arrange(4, 1, 358, 520)).toEqual({ columns: 2, width: 175, height: 175 });
});

test('sound and words stand in lines, whatever shape was asked for', () => {
  expect(arrangeKind('audio', 2, 1, 1200, 500)).toMatchObject({ columns: 1, width: 560, height: 104 });
  expect(arrangeKind('text', 1, 1, 300, 500)).toMatchObject({ columns: 1, width: 300 });
  expect(arrangeKind('video', 1, 2, 400, 500)).toEqual(arrange(1, 2, 400, 500));
});
