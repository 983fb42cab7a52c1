import { beforeEach, expect, test, vi } from 'vitest';
import { render } from 'svelte/server';
import type { Config } from '#lib/api/types.ts';
import en from '#lib/i18n/en/index.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';
import Page from './+page.svelte';

vi.mock('$app/state', () => ({ page: { url: new URL('http://studio.test/first-admin#token=a-link-not-secret') } }));
vi.mock('$app/navigation', () => ({ goto: () => undefined }));

beforeEach(() => {
  language.words = { ...en };
  language.locale = 'en';
});

function shown(needsFirstAdmin: boolean): string {
  session.config = { needs_first_admin: needsFirstAdmin, sign_in_methods: ['password'] } as unknown as Config;
  return render(Page).body;
}

test('where nobody is in charge, the link makes the first admin', () => {
  expect(shown(true)).toContain('You are the first one here');
  expect(shown(true)).toContain('type="password"');
});

test('where an admin is, the link says so at once and leads to signing in', () => {
  const page = shown(false);
  expect(page).toContain('it has its admin');
  expect(page).toContain('href="/sign-in"');
  expect(page).not.toContain('<form');
});
