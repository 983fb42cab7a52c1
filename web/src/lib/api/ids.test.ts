import { expect, test } from 'vitest';
import { uuidv7 } from './ids';

test('is a version 7 UUID of the RFC variant', () => {
  for (let at = 0; at < 200; at++) expect(uuidv7()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('carries the milliseconds of its making in its first 48 bits', () => {
  const made = uuidv7(0x0192_3456_789a);
  expect(made.replaceAll('-', '').slice(0, 12)).toBe('01923456789a');
});

test('ids made in different milliseconds sort by time', () => {
  expect(uuidv7(1_700_000_000_000) < uuidv7(1_700_000_000_001)).toBe(true);
});

test('ids of one millisecond differ', () => {
  expect(new Set(Array.from({ length: 1000 }, () => uuidv7(1_700_000_000_000))).size).toBe(1000);
});
