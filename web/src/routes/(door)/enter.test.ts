import { expect, test, vi } from 'vitest';

vi.mock('$app/navigation', () => ({ goto: vi.fn() }));
vi.mock('#lib/state/session.svelte.ts', () => ({ session: {} }));
const { safeNext } = await import('./enter');

test('follows a path of this house', () => {
  expect(safeNext('/library?q=a')).toBe('/library?q=a');
});

test('follows no address of another house', () => {
  for (const next of [null, '', 'https://elsewhere.example', '//elsewhere.example', '/\\elsewhere.example', 'javascript:alert(1)']) {
    expect(safeNext(next)).toBe('/create');
  }
});
