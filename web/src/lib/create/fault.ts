/** What the server found wrong with one field, in the language of the reader. */
import { Problem, type FieldFault } from '#lib/api/http.ts';
import type { Model } from '#lib/api/types.ts';
import { bytes, language, said, t, type Key } from '#lib/i18n/index.svelte.ts';
import { wordsOf } from './desk';
import type { Fault } from './flags';

/** A flag in the words that will be refused. */
export const sayFlag = (fault: Fault): string => t(`flags.${fault.kind}`, { flag: `--${fault.flag}`, value: fault.value });

/** The sentence for its code; what the catalogue does not know, as the server worded it. */
export function sayFault({ field, code, message, limit }: FieldFault): string {
  if (code === 'too_large' && field.startsWith('inputs.') && typeof limit === 'number') return t('fault.file_too_large', { size: bytes(limit) });
  const key = `fault.${code}`;
  if (!language.knows(key)) return message;
  const flag = /--[a-z0-9_-]+/i.exec(message)?.[0];
  const sentence = t(key as Key, { ...(typeof limit === 'number' && { limit }), ...(flag && { flag }) });
  return /\{\w/.test(sentence) ? message : sentence;
}

/** What a field is called on the desk: "prompt", "params.num_images" and "inputs.mask" are the server's names. */
function nameOfField(field: string, model: Model | null): string {
  const [place, name = ''] = field.split('.');
  if (place === 'prompt') return wordsOf(model);
  if (place === 'params') return said(model?.params.find((param) => param.name === name)?.label) || name;
  if (place === 'inputs') return said(model?.inputs.find((slot) => slot.role === name)?.label) || t('create.references');
  return field;
}

/** Each fault the server named, as "Name: what is wrong". */
export const sayFaults = (problem: unknown, model: Model | null): string[] =>
  problem instanceof Problem ? problem.errors.map((one) => `${nameOfField(one.field, model)}: ${sayFault(one)}`) : [];
