/**
 * Flags in the words, `a red fox --ar 16:9 --no snow`, read as the server reads them, so that the form can show what
 * they say while they are typed. The server decides in the end. Pure: a model is known by its schema alone.
 */
import type { Model, Param, Params, ParamValue } from '#lib/api/types.ts';

const FLAG = /(?<!\S)(--|—)([A-Za-z][A-Za-z0-9_-]{0,39})(?!\S)/g;
const WHOLE = /^[+-]?[0-9]{1,30}$/;
const NUMBER = /^[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})$/;
const SIZE = /^([0-9]{1,6})[x×:]([0-9]{1,6})$/;

type Schema = { 'x-flag'?: string[]; 'x-flag-choices'?: Record<string, string>; 'x-flag-alone'?: string; anyOf?: { pattern?: string }[] };
type Known = { param: Param; value: string | null; alone: string | null };
type Book = { known: Map<string, Known>; settled: Record<string, string> };

/** What one flag says, and where it stands in the prompt with its value. */
export type Said = { name: string; flag: string; text: string; start: number; end: number };
export type Fault = { kind: 'unknown' | 'settled' | 'twice'; flag: string; value: string };
export type Typed = { words: string; values: Params; said: Said[]; faults: Fault[]; flags: string };

const books = new WeakMap<Model, Book>();

function bookOf(model: Model): Book {
  const ready = books.get(model);
  if (ready) return ready;
  const schema = (model.params_schema ?? {}) as { properties?: Record<string, Schema>; 'x-settled-flags'?: Record<string, string> };
  const known = new Map<string, Known>();
  for (const param of model.params) {
    const told = schema.properties?.[param.name] ?? {};
    for (const flag of told['x-flag'] ?? []) known.set(flag, { param, value: null, alone: told['x-flag-alone'] ?? null });
    for (const [flag, value] of Object.entries(told['x-flag-choices'] ?? {})) known.set(flag, { param, value, alone: null });
  }
  const book = { known, settled: schema['x-settled-flags'] ?? {} };
  books.set(model, book);
  return book;
}

/** Whether a value is none of the choices, but may be given all the same. */
export function isFreeChoice(model: Model, name: string, value: ParamValue | undefined): boolean {
  const schema = (model.params_schema as { properties?: Record<string, Schema> } | undefined)?.properties?.[name];
  return typeof value === 'string' && (schema?.anyOf ?? []).some(({ pattern }) => pattern !== undefined && new RegExp(pattern).test(value));
}

/** Everything a prompt says to this model. A model without flags is told nothing but words. */
export function readFlags(model: Model | null, prompt: string): Typed {
  const typed: Typed = { words: prompt, values: {}, said: [], faults: [], flags: '' };
  if (!model?.prompt) return typed;
  const { known, settled } = bookOf(model);
  if (known.size === 0 && Object.keys(settled).length === 0) return typed;
  // Phones turn two hyphens into one dash; such a dash counts only before a flag the model knows.
  const hits = [...prompt.matchAll(FLAG)].filter((hit) => hit[1] === '--' || known.has(hit[2]!.toLowerCase()) || hit[2]!.toLowerCase() in settled);
  if (hits.length === 0) return typed;
  const words = [prompt.slice(0, hits[0]!.index).trimEnd()];
  const flags: string[] = [];
  hits.forEach((hit, at) => {
    const end = hits[at + 1]?.index ?? prompt.length;
    const behind = prompt.slice(hit.index + hit[0].length, end);
    const taken = take(typed, hit[2]!.toLowerCase(), behind.trim(), known, settled);
    // Where the value ends in the prompt, spaces before it included.
    const room = behind.length - behind.trimStart().length;
    const stop = hit.index + hit[0].length + (taken.value ? room + taken.value.length : 0);
    if (taken.name) typed.said.push({ name: taken.name, flag: hit[0], text: taken.value, start: hit.index, end: stop });
    flags.push(prompt.slice(hit.index, stop));
    if (taken.rest) words.push(taken.rest);
  });
  typed.words = words.filter(Boolean).join(' ');
  typed.flags = flags.join(' ');
  return typed;
}

type Taken = { name: string | null; value: string; rest: string };

function take(typed: Typed, flag: string, text: string, known: Map<string, Known>, settled: Record<string, string>): Taken {
  const [value, rest] = parted(text);
  const own = settled[flag];
  if (own !== undefined) {
    if (value && !same(value, own)) typed.faults.push({ kind: 'settled', flag, value: own });
    return { name: null, value, rest };
  }
  const found = known.get(flag);
  if (!found) {
    typed.faults.push({ kind: 'unknown', flag, value: '' });
    return { name: null, value: text, rest: '' };
  }
  const { param } = found;
  if (param.name in typed.values) typed.faults.push({ kind: 'twice', flag, value: '' });
  if (found.value !== null || param.type === 'boolean') {
    typed.values[param.name] = found.value ?? true;
    return { name: param.name, value: '', rest: text };
  }
  const whole = param.type === 'string' ? text : value;
  typed.values[param.name] = whole ? read(param, whole) : found.alone;
  return { name: param.name, value: whole, rest: param.type === 'string' ? '' : rest };
}

function parted(text: string): [string, string] {
  const at = text.indexOf(' ');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at).trim()];
}

function read(param: Param, value: string): ParamValue {
  if (param.type === 'integer' && WHOLE.test(value)) return Number(value);
  if (param.type === 'number' && NUMBER.test(value)) return Number(value);
  if (param.type === 'size') {
    const sides = SIZE.exec(value);
    if (sides && !param.choices?.some((choice) => choice.value === value)) return { width: Number(sides[1]), height: Number(sides[2]) };
  }
  return param.choices?.find((choice) => same(choice.value, value))?.value ?? value;
}

/** Whether two values are written alike, or are the same number: `.5` is `0.5`. */
function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase() || (NUMBER.test(one) && NUMBER.test(other) && Number(one) === Number(other));
}

/** The prompt without what it says about one parameter: the form was used instead. */
export function withoutFlag(prompt: string, said: Said[], name: string): string {
  let left = prompt;
  for (const one of said.filter((each) => each.name === name).reverse()) {
    const before = left.slice(0, one.start).trimEnd();
    const after = left.slice(one.end).trimStart();
    left = before && after ? `${before} ${after}` : before + after;
  }
  return left;
}
