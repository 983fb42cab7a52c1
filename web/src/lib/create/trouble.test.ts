import { expect, test } from 'vitest';
import { Problem } from '#lib/api/http.ts';
import { afterReturn, troubleOf } from './trouble';

const away = new Problem(0, { title: 'No answer' });
const refused = new Problem(402, { code: 'credits.insufficient' });

test('what was said about a lost connection is taken back when it is there again, and nothing else is', () => {
  expect(afterReturn(away)).toBeNull();
  expect(afterReturn(refused)).toBe(refused);
  expect(afterReturn(null)).toBeNull();
});

test('a price that did not come while offline is no alarm, but a Create that was not sent is', () => {
  expect(troubleOf(null, away, 'lost')).toBeNull();
  expect(troubleOf(away, away, 'lost')).toBe(away);
});

test('while connected everything is told, and what was sent before what it costs', () => {
  expect(troubleOf(null, away, 'open')).toBe(away);
  expect(troubleOf(null, refused, 'lost')).toBe(refused);
  expect(troubleOf(refused, away, 'open')).toBe(refused);
});
