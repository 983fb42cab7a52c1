import { beforeEach, expect, test } from 'vitest';
import { render } from 'svelte/server';
import type { Storage } from '#lib/api/admin_types.ts';
import enAdmin from '#lib/i18n/en/admin.ts';
import en from '#lib/i18n/en/index.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import FileMove from './FileMove.svelte';

beforeEach(() => {
  language.words = { ...en, ...enAdmin };
  language.locale = 'en';
});

function shown(move: object): string {
  const at = new Date().toISOString();
  const storage = { place: null, move: { state: 'done', target: null, problem: null, failures: [], started_at: at, finished_at: at, ...move } } as unknown as Storage;
  return render(FileMove, { props: { storage, nameOf: () => 'the shelf', onchanged: async () => undefined } }).body;
}

test('files that failed are not counted as moved', () => {
  const page = shown({ total_files: 224, done_files: 218, failed_files: 6 });
  expect(page).toContain('Not everything was moved to the shelf');
  expect(page).toContain('218 of 224');
  expect(page).toContain('aria-valuenow="97"');
  expect(page).toContain('6 files were not moved');
});

test('a whole move is full', () => {
  const page = shown({ total_files: 224, done_files: 224, failed_files: 0 });
  expect(page).toContain('Moved to the shelf');
  expect(page).toContain('aria-valuenow="100"');
  expect(page).not.toContain('not moved');
});

test('a move of nothing says that there was nothing to move', () => {
  const page = shown({ total_files: 0, done_files: 0, failed_files: 0 });
  expect(page).toContain('There was nothing to move to the shelf');
  expect(page).not.toContain('progressbar');
});
