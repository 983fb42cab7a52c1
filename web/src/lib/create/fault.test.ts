import { beforeEach, expect, test } from 'vitest';
import words from '#lib/i18n/en/index.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import { sayFault } from './fault';

beforeEach(() => void (language.words = words));

test('a fault is said by its code with its limit', () => {
  expect(sayFault({ field: 'params.n', code: 'too_large', message: 'must be at most 4', limit: 4 })).toBe('It is at most 4.');
  expect(sayFault({ field: 'inputs.0', code: 'too_large', message: 'must have at most 5000000 bytes', limit: 5_000_000 })).toBe('A file may have at most 5 MB.');
});

test('what cannot be filled in or has no words is said as the server said it', () => {
  expect(sayFault({ field: 'params.n', code: 'too_large', message: 'must be smaller' })).toBe('must be smaller');
  expect(sayFault({ field: 'prompt', code: 'something_new', message: 'must rhyme' })).toBe('must rhyme');
});
