import { expect, test } from 'vitest';
import type { Model } from '#lib/api/types.ts';
import { provisionalPrice } from './provisional';

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
