import { expect, test } from 'vitest';
import type { Model, Param } from '#lib/api/types.ts';
import { maySayMore, readFlags, withoutFlag } from './flags';
import { isFreeChoice } from './params';

const text = (en: string) => ({ en, zh: en });
const param = (name: string, rest: Partial<Param>): Param =>
  ({ name, type: 'string', label: text(name), help: null, default: null, control: 'text', advanced: false, optional: true, ...rest }) as Param;
const choices = (...values: string[]) => values.map((value) => ({ value, label: text(value) }));

const ratio = '^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$';
const brush = {
  id: 'brush',
  prompt: { required: true, max_chars: 100 },
  params: [
    param('shape', { type: 'choice', choices: choices('1:1', '16:9'), default: '1:1' }),
    param('stylize', { type: 'integer', minimum: 0, maximum: 1000, default: 100 }),
    param('weight', { type: 'number' }),
    param('leave_out', {}),
    param('profile', {}),
    param('tile', { type: 'boolean', default: false }),
    param('speed', { type: 'choice', choices: choices('fast', 'turbo'), default: 'fast' })
  ],
  params_schema: {
    properties: {
      shape: { 'x-flag': ['ar', 'aspect'], anyOf: [{ enum: ['1:1', '16:9'] }, { pattern: ratio }] },
      stylize: { 'x-flag': ['s', 'stylize'] },
      weight: { 'x-flag': ['iw'] },
      leave_out: { 'x-flag': ['no'] },
      profile: { 'x-flag': ['p'], 'x-flag-alone': 'default' },
      tile: { 'x-flag': ['tile'] },
      speed: { 'x-flag-choices': { fast: 'fast', turbo: 'turbo' } }
    },
    'x-settled-flags': { v: '7' }
  }
} as unknown as Model;
const read = (prompt: string) => readFlags(brush, prompt);

test('what Chinese keyboards make of colons, digits, commas and hyphens is understood', () => {
  const typed = read('雪中的狐狸 ——ar 16：9， －－s　２５０ --iw １．５、 慢慢走');
  expect(typed.values).toEqual({ shape: '16:9', stylize: 250, weight: 1.5 });
  expect(typed.words).toBe('雪中的狐狸 慢慢走');
  expect(typed.faults).toEqual([]);
  const prompt = 'fox --ar 3：2， walks';
  expect(withoutFlag(prompt, read(prompt).said, 'shape')).toBe('fox walks');
});

test('flags become values, and what is left are the words', () => {
  const typed = read('a red fox --ar 16:9 --s 250 --iw .5 --turbo --tile');
  expect(typed.words).toBe('a red fox');
  expect(typed.values).toEqual({ shape: '16:9', stylize: 250, weight: 0.5, speed: 'turbo', tile: true });
  expect(typed.faults).toEqual([]);
});

test('words behind a value are words again; a text takes all up to the next flag', () => {
  const typed = read('a fox --ar 1:1 in the snow --no trees, people --tile');
  expect(typed.words).toBe('a fox in the snow');
  expect(typed.values).toEqual({ shape: '1:1', leave_out: 'trees, people', tile: true });
});

test('a dash that a phone made of two hyphens is a flag, where the model knows it', () => {
  expect(read('a fox —ar 16:9').values).toEqual({ shape: '16:9' });
  expect(read('wait —what is that').words).toBe('wait —what is that');
});

const faults = (prompt: string) => read(prompt).faults.map(({ kind, flag, value, typing }) => [kind, flag, value, typing]);

test('an unknown flag is told, and so is one that the model has settled otherwise, or that is said twice', () => {
  expect(faults('a fox --foo 3 --tile')).toEqual([['unknown', 'foo', '', false]]);
  expect(faults('a fox --v 6 --tile')).toEqual([['settled', 'v', '7', false]]);
  expect(faults('a fox --v 7.0')).toEqual([]);
  expect(faults('a fox --ar 1:1 --aspect 16:9 ')).toEqual([['twice', 'aspect', '', false]]);
});

test('a value that is missing, or that the model does not take, is told and changes nothing', () => {
  expect(faults('a fox --ar --tile')).toEqual([['empty', 'ar', '', false]]);
  expect(faults('a fox --s 2000 --ar wide ')).toEqual([['value', 's', '2000', false], ['value', 'ar', 'wide', false]]);
  expect(read('a fox --s many --ar --tile').values).toEqual({ tile: true });
});

test('what stands at the very end may still be being typed', () => {
  expect(faults('a fox --a')).toEqual([['unknown', 'a', '', true]]);
  expect(faults('a fox --ar 1')).toEqual([['value', 'ar', '1', true]]);
  expect(faults('a fox --a ')).toEqual([['unknown', 'a', '', false]]);
});

test('a flag that may stand alone has its value by itself', () => {
  expect(read('a fox --p').values).toEqual({ profile: 'default' });
});

test('hyphens inside words, and models without flags, are left alone', () => {
  expect(read('a well--known fox-hole').words).toBe('a well--known fox-hole');
  const plain = { ...brush, params_schema: { properties: {} } } as unknown as Model;
  expect(readFlags(plain, 'a fox --ar 16:9')).toMatchObject({ words: 'a fox --ar 16:9', values: {}, faults: [] });
});

test('only a prompt that may say more than words is shown to the server for its price', () => {
  expect(maySayMore(brush, 'a fox --ar banana')).toBe(true);
  expect(maySayMore(brush, 'a fox —ar 1:1')).toBe(true);
  expect(maySayMore(brush, '{a,b} fox')).toBe(true);
  expect(maySayMore(brush, 'a fox')).toBe(false);
  expect(maySayMore({ ...brush, params_schema: { properties: {} } } as unknown as Model, 'a fox --ar banana')).toBe(false);
});

test('a ratio that is none of the choices is taken where the schema takes it', () => {
  expect(read('a fox --ar 7:3').values).toEqual({ shape: '7:3' });
  expect(isFreeChoice(brush, 'shape', '7:3')).toBe(true);
  expect(isFreeChoice(brush, 'shape', 'wide')).toBe(false);
  expect(isFreeChoice(brush, 'speed', '7:3')).toBe(false);
});

test('using the form takes what the words said about it out of the words, and nothing else', () => {
  const prompt = 'a fox --ar 16:9 in snow --no trees --s 250';
  const { said } = read(prompt);
  expect(withoutFlag(prompt, said, 'shape')).toBe('a fox in snow --no trees --s 250');
  expect(withoutFlag(prompt, said, 'leave_out')).toBe('a fox --ar 16:9 in snow --s 250');
  expect(withoutFlag(prompt, said, 'stylize')).toBe('a fox --ar 16:9 in snow --no trees');
  expect(withoutFlag(prompt, said, 'tile')).toBe(prompt);
});

test('where the provider reads the words, only the flags it may keep stay in them', () => {
  const remix = { id: 'remix', prompt: brush.prompt, params: [], params_schema: { properties: {}, 'x-kept-flags': ['ar'] } } as unknown as Model;
  const typed = readFlags(remix, 'a fox --ar 3:2 --turbo ');
  expect(typed.words).toBe('a fox --ar 3:2');
  expect(typed.faults.map(({ kind, flag }) => [kind, flag])).toEqual([['unknown', 'turbo']]);
  expect(readFlags({ ...remix, params_schema: {} } as Model, 'a fox --turbo').faults).toEqual([]);
});
