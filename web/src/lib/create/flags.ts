/**
 * Flags in the words, `a red fox --ar 16:9 --no snow`, read as the server reads them, so that the form can show what
 * they say while they are typed. The server decides in the end. Pure: a model is known by its schema alone.
 */
import type { Model, Param, Params, ParamValue } from '#lib/api/types.ts';
import { accept, isFreeChoice } from './params';

const FLAG = /(?<!\S)(--|—{1,2}|－－)([A-Za-z][A-Za-z0-9_-]{0,39})(?!\S)/g;
const WHOLE = /^[+-]?[0-9]{1,30}$/;
const NUMBER = /^[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})$/;
const FULL_WIDTH = /[！-～]/g;
const BEHIND = /[,;、。]+$/;
const SIZE = /^([0-9]{1,6})[x×:]([0-9]{1,6})$/;

type Schema = { 'x-flag'?: string[]; 'x-flag-choices'?: Record<string, string>; 'x-flag-alone'?: string };
type Known = { param: Param; value: string | null; alone: string | null };
/** `kept` may stay in the words, where the provider reads flags out of them, too; null where it does not. */
type Book = { known: Map<string, Known>; settled: Record<string, string>; kept: string[] | null };

/** What one flag says, and where it stands in the prompt with its value. */
export type Said = { name: string; flag: string; text: string; start: number; end: number };
/** `typing` where it stands at the very end: more may be on its way. */
export type Fault = { kind: 'unknown' | 'settled' | 'twice' | 'empty' | 'value'; flag: string; value: string; typing: boolean };
export type Typed = { words: string; values: Params; said: Said[]; faults: Fault[] };

const books = new WeakMap<Model, Book>();

function bookOf(model: Model): Book {
  const ready = books.get(model);
  if (ready) return ready;
  const schema = (model.params_schema ?? {}) as { properties?: Record<string, Schema>; 'x-settled-flags'?: Record<string, string>; 'x-kept-flags'?: string[] };
  const known = new Map<string, Known>();
  for (const param of model.params) {
    const told = schema.properties?.[param.name] ?? {};
    for (const flag of told['x-flag'] ?? []) known.set(flag, { param, value: null, alone: told['x-flag-alone'] ?? null });
    for (const [flag, value] of Object.entries(told['x-flag-choices'] ?? {})) known.set(flag, { param, value, alone: null });
  }
  const book = { known, settled: schema['x-settled-flags'] ?? {}, kept: schema['x-kept-flags'] ?? null };
  books.set(model, book);
  return book;
}

/** Whether the server may read more than words in this prompt, so that what it costs depends on them. */
export function maySayMore(model: Model | null, prompt: string): boolean {
  if (!model?.prompt) return false;
  const { known, settled, kept } = bookOf(model);
  return (known.size > 0 || Object.keys(settled).length > 0 || kept !== null) && /--|—|－－|[{]/.test(prompt);
}

/** Everything a prompt says to this model. A model without flags is told nothing but words. */
export function readFlags(model: Model | null, prompt: string): Typed {
  const typed: Typed = { words: prompt, values: {}, said: [], faults: [] };
  if (!model?.prompt) return typed;
  const { known, settled, kept } = bookOf(model);
  if (known.size === 0 && Object.keys(settled).length === 0 && !kept) return typed;
  // Phones turn two hyphens into one dash, Chinese keyboards type long ones; they count only before a flag the model knows.
  const hits = [...prompt.matchAll(FLAG)].filter((hit) => {
    const flag = hit[2]!.toLowerCase();
    return known.has(flag) || flag in settled || (hit[1] === '--' && !kept?.includes(flag));
  });
  if (hits.length === 0) return typed;
  const words = [prompt.slice(0, hits[0]!.index).trimEnd()];
  hits.forEach((hit, at) => {
    const end = hits[at + 1]?.index ?? prompt.length;
    const behind = prompt.slice(hit.index + hit[0].length, end);
    const taken = take(typed, model, hit[2]!.toLowerCase(), behind);
    for (const fault of taken.faults) typed.faults.push({ ...fault, flag: hit[2]!.toLowerCase(), typing: at === hits.length - 1 && !/\s$/.test(prompt) && !taken.rest });
    // Where the value ends in the prompt, spaces before it included.
    const room = behind.length - behind.trimStart().length;
    const stop = hit.index + hit[0].length + (taken.value ? room + taken.length : 0);
    if (taken.name) typed.said.push({ name: taken.name, flag: hit[0], text: taken.value, start: hit.index, end: stop });
    if (taken.rest) words.push(taken.rest);
  });
  typed.words = words.filter(Boolean).join(' ');
  return typed;
}

/** `length` is that of the value as it was typed. */
type Taken = { name: string | null; value: string; length: number; rest: string; faults: Pick<Fault, 'kind' | 'value'>[] };

/** Reads one flag with the text behind it, up to the next one. */
function take(typed: Typed, model: Model, flag: string, behind: string): Taken {
  const { known, settled } = bookOf(model);
  const text = behind.trim();
  const [value, rest, length] = parted(text);
  const own = settled[flag];
  if (own !== undefined) return { name: null, value, length, rest, faults: value && !same(value, own) ? [{ kind: 'settled', value: own }] : [] };
  const found = known.get(flag);
  if (!found) return { name: null, value: text, length: text.length, rest: '', faults: [{ kind: 'unknown', value: '' }] };
  const { param } = found;
  const faults: Taken['faults'] = param.name in typed.values ? [{ kind: 'twice', value: '' }] : [];
  if (found.value !== null || param.type === 'boolean') {
    typed.values[param.name] = found.value ?? true;
    return { name: param.name, value: '', length: 0, rest: text, faults };
  }
  const [whole, left, typedLength] = param.type === 'string' ? [text, '', text.length] : [value, rest, length];
  if (!whole && found.alone === null) return { name: null, value: '', length: 0, rest: left, faults: [...faults, { kind: 'empty', value: '' }] };
  const meant = whole ? read(param, whole) : found.alone;
  // What the model would not take leaves the form as it is; that it will be refused is told.
  if (!isTaken(model, param, meant)) return { name: null, value: whole, length: typedLength, rest: left, faults: [...faults, { kind: 'value', value: whole }] };
  typed.values[param.name] = meant;
  return { name: param.name, value: whole, length: typedLength, rest: left, faults };
}

function isTaken(model: Model, param: Param, value: ParamValue): boolean {
  if (typeof value === 'number') return value >= (param.minimum ?? -Infinity) && value <= (param.maximum ?? Infinity);
  const accepted = accept(param, value);
  return JSON.stringify(accepted) === JSON.stringify(value) || isFreeChoice(model, param.name, value);
}

/** The value of a flag that takes one word, in ASCII; the words behind it; and how long it was as typed. */
function parted(text: string): [string, string, number] {
  const typed = /^\S*/.exec(text)![0];
  const plain = typed.replace(FULL_WIDTH, (mark) => String.fromCharCode(mark.charCodeAt(0) - 0xfee0)).replace(BEHIND, '');
  return [plain, text.slice(typed.length).trim(), typed.length];
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
