import { expect, test, vi } from 'vitest';
import type { Asset } from '#lib/api/types.ts';
import { none } from './filters';
import { Shelf } from './shelf.svelte';

const asset = (id: string, change: Partial<Asset> = {}): Asset =>
  ({ id, kind: 'image', source: 'uploaded', favourite: false, created_at: `2026-01-01T00:00:0${id}Z`, ...change }) as Asset;

vi.mock('#lib/api/calls.ts', () => ({ listAssets: async () => ({ items: [asset('1')], next: null, cursor: 0 }) }));

test('a picture that is uploaded elsewhere comes to the front, a mask does not', async () => {
  const shelf = new Shelf();
  await shelf.load(none);
  shelf.hear({ name: 'asset.changed', data: asset('2', { role: 'mask' }) });
  expect(shelf.assets.map(({ id }) => id)).toEqual(['1']);
  shelf.hear({ name: 'asset.changed', data: asset('3') });
  expect(shelf.assets.map(({ id }) => id)).toEqual(['3', '1']);
});
