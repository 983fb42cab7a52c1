/** Says a Problem in the person's language: by its code, else by what the server wrote in English. */
import { Problem } from '#lib/api/http.ts';
import { language, t, type Key } from './index.svelte';
import type { Values } from './format';

function valuesOf(problem: Problem): Values {
  const values: Values = {};
  for (const [name, value] of Object.entries(problem.extras)) {
    if (typeof value === 'number' || typeof value === 'string') values[name] = value;
  }
  return values;
}

export function sayProblem(error: unknown): string {
  if (!(error instanceof Problem)) return t('error.unexpected');
  const key = `error.${error.code}`;
  if (language.knows(key)) {
    const sentence = t(key as Key, valuesOf(error));
    if (!/\{\w+/.test(sentence)) return sentence;
  }
  return error.message || t('error.unexpected');
}
