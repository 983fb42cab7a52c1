import { afterAll, expect, test } from 'vitest';
import { language } from '#lib/i18n/index.svelte.ts';
import { titleOf } from './words';

const upscale = { prompt: '', model: 'midjourney-upscale', model_name: { en: 'Midjourney upscale', zh: 'Midjourney 放大' } };
afterAll(() => void (language.locale = 'en'));

test('a generation is called by its words', () => {
  expect(titleOf({ ...upscale, prompt: 'a red fox' })).toBe('a red fox');
});

test('one without words is called by its model, in the language of the reader', () => {
  expect(titleOf(upscale)).toBe('Midjourney upscale');
  expect(titleOf({ ...upscale, prompt: '  ' })).toBe('Midjourney upscale');
  language.locale = 'zh';
  expect(titleOf(upscale)).toBe('Midjourney 放大');
});

test('a model that lost its name leaves its id', () => {
  expect(titleOf({ ...upscale, model_name: { en: '', zh: '' } })).toBe('midjourney-upscale');
});
