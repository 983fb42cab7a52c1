import { expect, test } from 'vitest';
import type { Generation } from '#lib/api/types.ts';
import { costOf, estimateDone, isMoving, isOver } from './status';

const begun = { submitted_at: '2026-01-01T00:00:00Z', created_at: '2026-01-01T00:00:00Z', typical_seconds: 10 } as Generation;
const after = (seconds: number): number => estimateDone(begun, Date.parse(begun.submitted_at!) + seconds * 1000);

test('an estimate only grows and never claims to be done', () => {
  let last = -1;
  for (const seconds of [0, 1, 5, 10, 30, 300, 30_000]) {
    expect(after(seconds)).toBeGreaterThanOrEqual(last);
    last = after(seconds);
  }
  expect(after(30_000)).toBeLessThan(1);
});

test('at the typical time it is well past the half', () => {
  expect(after(10)).toBeGreaterThan(0.5);
});

test('a clock that runs behind the server never makes it negative', () => {
  expect(after(-60)).toBe(0);
});

test('uncertain neither moves nor is over', () => {
  expect(isOver('uncertain')).toBe(false);
  expect(isMoving('uncertain')).toBe(false);
});

test('what did not succeed costs nothing, and what is on its way costs its price', () => {
  const view = { price_credits: 5, settled_credits: null };
  expect(costOf({ ...view, status: 'canceled' })).toBe(0);
  expect(costOf({ ...view, status: 'failed' })).toBe(0);
  expect(costOf({ ...view, status: 'running' })).toBe(5);
  expect(costOf({ ...view, status: 'uncertain' })).toBe(5);
  expect(costOf({ ...view, status: 'succeeded', settled_credits: 4 })).toBe(4);
});
