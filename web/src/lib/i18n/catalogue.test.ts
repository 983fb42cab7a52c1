import { expect, test } from 'vitest';
import enAdmin from './en/admin';
import en from './en/index';
import zhAdmin from './zh/admin';
import zh from './zh/index';

const english: Record<string, string> = { ...en, ...enAdmin };
const chinese: Record<string, string> = { ...zh, ...zhAdmin };
const placeholders = (sentence: string): string[] => [...sentence.matchAll(/\{(\w+)/g)].map((match) => match[1]!).sort();

const sources = import.meta.glob<string>(['/src/**/*.{svelte,ts}', '!/src/**/*.test.ts', '!/src/lib/i18n/{en,zh}/**'], {
  query: '?raw',
  import: 'default',
  eager: true
});

test('both languages have the same keys', () => {
  expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
});

test('no sentence is empty, and both languages fill in the same values', () => {
  for (const [key, sentence] of Object.entries(english)) {
    expect(sentence.trim(), key).not.toBe('');
    expect(chinese[key]!.trim(), key).not.toBe('');
    expect([...new Set(placeholders(chinese[key]!))], key).toEqual([...new Set(placeholders(sentence))]);
  }
});

test('the Chinese catalogue is Chinese', () => {
  const untranslated = Object.entries(chinese).filter(([, sentence]) => !/[\u4e00-\u9fff]/.test(sentence));
  expect(untranslated.map(([key]) => key)).toEqual(['storage.place', 'providers.in_flight']);
});

test('every key in the catalogue is used somewhere', () => {
  const code = Object.values(sources).join('\n');
  expect(code.length).toBeGreaterThan(50_000);
  const unused = Object.keys(english).filter((key) => {
    if (code.includes(`'${key}'`)) return false;
    // `t(`day.${name}`)`: a key may be put together from its beginning.
    const built = [...code.matchAll(/`([a-z_]+\.[a-z_.]*)\$\{/g)].some((match) => key.startsWith(match[1]!));
    return !built;
  });
  expect(unused).toEqual([]);
});
