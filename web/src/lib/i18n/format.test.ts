import { expect, test } from 'vitest';
import { clockOf, fill, formatAgo, formatBytes, formatDate, formatShort } from './format';

test('numbers are grouped as the language groups them', () => {
  expect(fill('{n} credits', { n: 1240 }, 'en')).toBe('1,240 credits');
});

test('English picks singular and plural, Chinese has one form', () => {
  const sentence = '{n|# picture|# pictures}';
  expect(fill(sentence, { n: 1 }, 'en')).toBe('1 picture');
  expect(fill(sentence, { n: 1200 }, 'en')).toBe('1,200 pictures');
  expect(fill('{n} 张图片', { n: 1 }, 'zh')).toBe('1 张图片');
});

test('a value that is missing stays visible as a hole', () => {
  expect(fill('{missing} left', {}, 'en')).toBe('{missing} left');
});

test('values are put in as text, never read as placeholders again', () => {
  expect(fill('“{q}”', { q: '{n}' }, 'en')).toBe('“{n}”');
});

test('sizes step from bytes to gigabytes', () => {
  expect([0, 999, 1000, 2_540_000, 48_300_000_000].map((size) => formatBytes(size, 'en'))).toEqual(['0 B', '999 B', '1 kB', '2.5 MB', '48.3 GB']);
});

test('ago speaks in the largest unit that fits', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  expect(formatAgo('2026-03-01T11:58:30Z', 'en', now)).toBe('1 minute ago');
  expect(formatAgo('2026-02-28T11:00:00Z', 'en', now)).toBe('yesterday');
  expect(formatAgo('2026-03-01T10:00:00Z', 'zh', now)).toBe('2小时前');
});

test('a date is a day with its year, and no time', () => {
  const early = new Date(2026, 10, 15, 4).toISOString();
  expect(formatDate(early, 'en')).toBe('Nov 15, 2026');
  expect(formatDate(early, 'zh')).toBe('2026年11月15日');
});

test('how long something plays is minutes and seconds, and never nothing', () => {
  expect([0.2, 5.04, 59.6, 750].map(clockOf)).toEqual(['0:01', '0:05', '1:00', '12:30']);
});

test('where there is little room, large numbers are said in steps and never rounded up', () => {
  expect(formatShort(999_999, 'en')).toBe('999,999');
  expect(formatShort(1_999_999, 'en')).toBe('1.9M');
  expect(formatShort(100_000_000, 'zh')).toBe('1亿');
});
