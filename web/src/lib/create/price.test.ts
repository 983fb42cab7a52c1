import { afterEach, expect, test, vi } from 'vitest';
import * as api from '#lib/api/calls.ts';
import type { Model, Quote } from '#lib/api/types.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { draft } from './draft.svelte';
import { price } from './price.svelte';
import { provisionalPrice } from './provisional';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const priced = (price: Partial<Model['price']>, outputs_param: string | null = 'n'): Model =>
  ({ outputs_param, price: { base_credits: 0, per_output_credits: 0, from_credits: 1, rows: [], ...price } }) as unknown as Model;

test('base and amount per picture', () => {
  expect(provisionalPrice(priced({ base_credits: 2, per_output_credits: 3 }), { n: 4 })).toBe(14);
});

test('one picture where no parameter says how many', () => {
  expect(provisionalPrice(priced({ per_output_credits: 5 }, null), {})).toBe(5);
});

test('the first row whose conditions hold replaces the usual amounts', () => {
  const model = priced({
    per_output_credits: 3,
    rows: [
      { when: { quality: 'high' }, base_credits: 1, per_output_credits: 8 },
      { when: { quality: 'high', fast: true }, base_credits: 0, per_output_credits: 99 }
    ]
  });
  expect(provisionalPrice(model, { n: 2, quality: 'high', fast: true })).toBe(17);
  expect(provisionalPrice(model, { n: 2, quality: 'low' })).toBe(6);
});

test('a question that was given up does not end the asking of the one that follows', async () => {
  vi.useFakeTimers();
  const answers: ((quote: Quote) => void)[] = [];
  vi.spyOn(api, 'quote').mockImplementation(
    (_, signal) =>
      new Promise((resolve, reject) => {
        answers.push(resolve);
        signal?.addEventListener('abort', () => reject(new DOMException('given up', 'AbortError')));
      })
  );
  const brush = (id: string) => ({ id, aliases: [], price: { base_credits: 1, per_output_credits: 0, rows: [] }, outputs_param: null, inputs: [], params: [], params_schema: { properties: {} }, continues: 'nothing', makes: 'image', prompt: { required: true, max_chars: 9 } });
  studio.models = [brush('brush'), brush('pen')] as unknown as Model[];
  draft.modelId = 'brush';
  price.ask();
  await vi.advanceTimersByTimeAsync(1000);
  expect(answers).toHaveLength(1);
  draft.modelId = 'pen';
  price.ask();
  await vi.advanceTimersByTimeAsync(10);
  expect(price.asking).toBe(true);
  await vi.advanceTimersByTimeAsync(1000);
  answers[1]?.({ price_credits: 4 } as Quote);
  await vi.advanceTimersByTimeAsync(0);
  expect(price.asking).toBe(false);
  expect(price.shown).toBe(4);
});
