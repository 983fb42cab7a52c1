import { expect, test } from 'vitest';
import { brushWidth, drawStep, opaqueShare, withoutLast, type Board, type Step, type Stroke } from './steps';

/** Writes down what it is told to draw. */
function notingBoard(): { board: Board; told: string[] } {
  const told: string[] = [];
  const board = new Proxy({} as Record<string, unknown>, {
    get: (kept, name: string) => kept[name] ?? ((...args: number[]) => void told.push(`${name} ${args.map((arg) => Math.round(arg)).join(' ')}`.trim())),
    set: (kept, name: string, value) => {
      kept[name] = value;
      told.push(`${name} = ${value}`);
      return true;
    }
  });
  return { board: board as unknown as Board, told };
}
const size = { width: 200, height: 100 };
const stroke = (rest: Partial<Stroke> = {}): Stroke => ({ kind: 'stroke', erases: false, width: 10, points: [{ x: 4, y: 6 }, { x: 40, y: 60 }], ...rest });
const drawn = (step: Step, scale = 1): string[] => {
  const { board, told } = notingBoard();
  drawStep(board, step, size, scale, 'red');
  return told;
};

test('a stroke is a line with round ends, as wide as the brush, at the scale of the board', () => {
  expect(drawn(stroke(), 2)).toEqual([
    'fillStyle = red', 'strokeStyle = red', 'globalCompositeOperation = source-over', 'beginPath',
    'lineWidth = 20', 'lineCap = round', 'lineJoin = round', 'moveTo 8 12', 'lineTo 80 120', 'stroke'
  ]);
});

test('a press without a move leaves a dot', () => {
  const told = drawn(stroke({ points: [{ x: 4, y: 6 }] }));
  expect(told.slice(-2)).toEqual(['arc 4 6 5 0 6', 'fill']);
});

test('the eraser takes away what is there', () => {
  expect(drawn(stroke({ erases: true }))).toContain('globalCompositeOperation = destination-out');
});

test('the other way round extinguishes what is painted and paints the rest', () => {
  expect(drawn({ kind: 'invert' }).slice(2)).toEqual(['globalCompositeOperation = xor', 'fillRect 0 0 200 100']);
});

test('beginning anew leaves nothing', () => {
  expect(drawn({ kind: 'clear' }).slice(2)).toEqual(['clearRect 0 0 200 100']);
});

test('the last step is taken back, whatever it was', () => {
  const steps: Step[] = [stroke(), { kind: 'invert' }];
  expect(withoutLast(steps)).toEqual([steps[0]]);
  expect(withoutLast([])).toEqual([]);
});

test('a brush has a width on every picture', () => {
  expect(brushWidth(0.08, { width: 1000, height: 500 })).toBe(80);
  expect(brushWidth(0.01, { width: 20, height: 10 })).toBe(1);
});

test('how much is covered is read from the opacity', () => {
  expect(opaqueShare(new Uint8ClampedArray([0, 0, 0, 255, 9, 9, 9, 0, 0, 0, 0, 255, 0, 0, 0, 0]))).toBe(0.5);
  expect(opaqueShare(new Uint8ClampedArray([]))).toBe(0);
});
