import { expect, test } from 'vitest';
import { price } from './money';

test('a price has decimals where there are any', () => {
  expect(price(600, 'CNY', 'zh-CN')).toBe('¥6');
  expect(price(1250, 'CNY', 'en')).toBe('¥12.50');
  expect(price(100_000_000, 'CNY', 'en')).toBe('¥1,000,000');
  expect(price(1, 'CNY', 'zh-CN')).toBe('¥0.01');
});
