import { beforeEach, expect, test } from 'vitest';
import enAdmin from '#lib/i18n/en/admin.ts';
import zhAdmin from '#lib/i18n/zh/admin.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import { sayWhole } from './whole';

beforeEach(() => {
  language.words = enAdmin;
  language.locale = 'en';
});

test.each(['0', '12', ' 7 ', '1000000', '1e3'])('%s is a whole number of credits', (typed) => {
  expect(sayWhole(typed, 0, 1_000_000)).toBeNull();
});

test.each(['', ' ', '-5', '2.5', '1000001', '1000000000000000000', 'many', 'NaN', 'Infinity'])('"%s" is none, and the limits are told', (typed) => {
  expect(sayWhole(typed, 0, 1_000_000)).toBe('A whole number from 0 to 1,000,000.');
});

test('what a field for numbers hands on counts alike', () => {
  expect(sayWhole(12, 0, 100)).toBeNull();
  for (const wrong of [null, -3, 2.5, 1e18]) expect(sayWhole(wrong, 0, 100)).toBe('A whole number from 0 to 100.');
});

test('it is told in Chinese, too', () => {
  Object.assign(language, { words: zhAdmin, locale: 'zh' });
  expect(sayWhole('-3', 1, 1000)).toBe('请填 1 到 1,000 之间的整数。');
});
