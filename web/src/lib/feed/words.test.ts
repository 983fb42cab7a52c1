import { afterAll, expect, test } from 'vitest';
import { language } from '#lib/i18n/index.svelte.ts';
import { titleOf } from './words';

const upscale = { prompt: '', model: 'heron-upscale', model_name: { en: 'Heron upscale', zh: 'Heron 放大' } };
afterAll(() => void (language.locale = 'en'));

test('a generation is called by its words', () => {
  expect(titleOf({ ...upscale, prompt: 'a red fox' })).toBe('a red fox');
});

test('one without words is called by its model, in the language of the reader', () => {
  expect(titleOf(upscale)).toBe('Heron upscale');
  expect(titleOf({ ...upscale, prompt: '  ' })).toBe('Heron upscale');
  language.locale = 'zh';
  expect(titleOf(upscale)).toBe('Heron 放大');
});

test('a model that lost its name leaves its id', () => {
  expect(titleOf({ ...upscale, model_name: { en: '', zh: '' } })).toBe('heron-upscale');
});
