import { expect, test } from 'vitest';
import { isFiltered, none, readFilters, writeFilters } from './filters';

test('what the address says is what it is written as', () => {
  const filters = { q: '竹 & rain', source: 'made', kind: 'video', favourite: true, model: 'a-b' } as const;
  expect(readFilters(new URLSearchParams(writeFilters(filters)))).toEqual(filters);
});

test('no filter leaves the address clean', () => {
  expect(writeFilters(none)).toBe('');
  expect(isFiltered(none)).toBe(false);
});

test('nonsense in the address is no filter', () => {
  expect(readFilters(new URLSearchParams('source=<script>&kind=7&favourite=maybe'))).toEqual(none);
});
