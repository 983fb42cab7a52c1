import { beforeEach, expect, test, vi } from 'vitest';
import { Problem } from '#lib/api/http.ts';
import type { Model } from '#lib/api/types.ts';
import words from '#lib/i18n/en/index.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { draft } from './draft.svelte';
import { requestOnce } from './once';
import { price } from './price.svelte';
import { sender } from './send.svelte';

vi.mock('./once', () => ({ requestOnce: vi.fn() }));

const text = (en: string) => ({ en, zh: en });
const brush = {
  id: 'brush', name: text('Brush'), aliases: [], inputs: [], available: true, continues: 'nothing', makes: 'image', outputs_param: null,
  prompt: { required: true, max_chars: 100 }, price: { base_credits: 1, per_output_credits: 0, rows: [] },
  params: [{ name: 'shape', label: text('Shape'), type: 'choice', default: '1:1', choices: [{ value: '1:1', label: text('1:1') }] }],
  params_schema: { properties: { shape: { 'x-flag': ['ar'] } }, 'x-kept-flags': [] }
} as unknown as Model;
const asked = vi.mocked(requestOnce);

beforeEach(() => {
  language.words = words;
  studio.models = [brush];
  draft.modelId = 'brush';
  price.problem = null;
  asked.mockReset();
});

test('a flag the model does not take holds the request back, and says so', async () => {
  draft.prompt = 'a fox --ar banana';
  expect(sender.hindrance).toBe('--ar does not take "banana".');
  expect(await sender.send()).toBeNull();
  expect(sender.tried).toBe(true);
  expect(asked).not.toHaveBeenCalled();
});

test('what only the server can see holds it back as well', async () => {
  draft.prompt = 'a fox--turbo';
  expect(sender.hindrance).toBeNull();
  price.problem = new Problem(422, {
    code: 'generation.invalid_params',
    errors: [{ field: 'prompt', code: 'unknown_flag', message: 'says --turbo where it cannot be read' }]
  });
  expect(sender.hindrance).toBe('Prompt: --turbo cannot be read or is not known here: two hyphens in front and spaces around it, or leave it out.');
  expect(await sender.send()).toBeNull();
  expect(asked).not.toHaveBeenCalled();
});

test('what nothing is wrong with is asked for', async () => {
  draft.prompt = 'a fox';
  await sender.send();
  expect(asked).toHaveBeenCalledOnce();
});

test('a price that could not be asked for holds nothing back', () => {
  draft.prompt = 'a fox';
  price.problem = new Problem(0, { title: 'No answer' });
  expect(sender.hindrance).toBeNull();
});
