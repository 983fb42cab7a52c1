import { beforeEach, expect, test } from 'vitest';
import { render } from 'svelte/server';
import words from '#lib/i18n/en/index.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import type { Following } from './following.svelte';
import FollowWords from './FollowWords.svelte';

beforeEach(() => void (language.words = words));

const labelled = (label: { en: string; zh: string } | null): string => {
  const one = { needs: { mask: false }, model: { params: [], prompt: { label, required: true, max_chars: 50 } } } as unknown as Following;
  return render(FollowWords, { props: { one, words: '', onsend: () => undefined } }).body;
};

test('the words of an offer are called what the model calls them', () => {
  expect(labelled({ en: 'Words to speak', zh: '要说的话' })).toContain('Words to speak</label>');
  expect(labelled(null)).toContain('Prompt</label>');
});
