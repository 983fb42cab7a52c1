import { expect, test } from 'vitest';
import type { InputSlot, Model, Param } from '#lib/api/types.ts';
import { accept, aspectOfValue, assignRoles, fit, gapOf, inputsToSend, toSend, type Reference } from './params';

const text = (en: string) => ({ en, zh: en });
const param = (name: string, rest: Partial<Param>): Param =>
  ({ name, type: 'integer', label: text(name), help: null, default: null, control: 'slider', advanced: false, optional: false, ...rest }) as Param;
const slot = (role: string, minimum: number, maximum: number, types = ['image/png']): InputSlot =>
  ({ role, label: text(role), minimum, maximum, content_types: types, max_bytes: 1e6 });
const model = (rest: Partial<Model>): Model =>
  ({ id: 'm', name: text('M'), prompt: { required: true, max_chars: 20 }, params: [], inputs: [], follow_ups: [], aliases: [], ...rest }) as Model;
const ratio = (...values: string[]): Param =>
  param('ratio', { type: 'choice', control: 'ratio', default: values[0]!, choices: values.map((value) => ({ value, label: text(value) })) });
const picture = (key: string, role = ''): Reference => ({ key, asset_id: key, role });

test('a number is clamped to the limits and put on the step grid', () => {
  const guidance = param('guidance', { type: 'number', minimum: 1, maximum: 20, step: 0.5 });
  expect([0, 3.3, 99].map((value) => accept(guidance, value))).toEqual([1, 3.5, 20]);
  expect(accept(param('steps', { minimum: 4, maximum: 50 }), 28.4)).toBe(28);
});

test('a value of the wrong kind is not understood', () => {
  expect(accept(param('steps', { minimum: 1, maximum: 9 }), 'many')).toBeUndefined();
  expect(accept(param('safe', { type: 'boolean' }), 1)).toBeUndefined();
  expect(accept(ratio('1:1', '16:9'), '7:5')).toBeUndefined();
});

test('changing the model keeps what the new one also understands, and going back finds the rest again', () => {
  const first = model({ params: [ratio('1:1', '16:9', '21:9'), param('steps', { minimum: 1, maximum: 50, default: 28 })] });
  const second = model({ params: [ratio('1:1', '16:9'), param('steps', { minimum: 1, maximum: 8, default: 4 }), param('seed', { control: 'seed' })] });
  const wishes = { ratio: '21:9', steps: 40 };
  expect(fit(first, wishes)).toEqual({ ratio: '21:9', steps: 40 });
  expect(fit(second, wishes)).toEqual({ ratio: '1:1', steps: 8, seed: null });
  expect(fit(first, wishes)).toEqual({ ratio: '21:9', steps: 40 });
});

test('a default that nobody touched does not travel to the next model', () => {
  expect(fit(model({ params: [param('steps', { minimum: 1, maximum: 50, default: 28 })] }), {})).toEqual({ steps: 28 });
  expect(fit(model({ params: [param('steps', { minimum: 1, maximum: 50, default: 4 })] }), {})).toEqual({ steps: 4 });
});

test('a random seed is not sent', () => {
  expect(toSend({ seed: null, steps: 4, safe: false, note: '' })).toEqual({ steps: 4, safe: false });
});

test('a size is a pair of numbers, both within the limits', () => {
  const size = param('size', { type: 'size', minimum: 512, maximum: 1440, step: 16 });
  expect(accept(size, { width: 100, height: 1001 })).toEqual({ width: 512, height: 1008 });
  expect(accept(size, 'large')).toBeUndefined();
});

test('references take the roles the model has, in order, and never more than it takes', () => {
  const edit = model({ inputs: [slot('image', 1, 1), slot('mask', 0, 1)] });
  const placed = assignRoles(edit, [picture('a'), picture('b'), picture('c')], () => 'image/png');
  expect(placed.map((one) => one.role)).toEqual(['image', 'mask', 'image']);
  expect(inputsToSend(edit, placed)).toEqual([{ role: 'image', asset_id: 'a' }, { role: 'mask', asset_id: 'b' }]);
});

test('a role that was chosen stays with its picture', () => {
  const edit = model({ inputs: [slot('image', 1, 1), slot('mask', 0, 1)] });
  expect(assignRoles(edit, [picture('a', 'mask'), picture('b')], () => 'image/png').map((one) => one.role)).toEqual(['mask', 'image']);
});

test('a file goes where its type is taken, and nowhere else', () => {
  const speaks = model({ inputs: [slot('image', 1, 1), slot('audio', 1, 1, ['audio/mpeg'])] });
  const types: Record<string, string> = { a: 'audio/mpeg', b: 'image/png', c: 'video/mp4' };
  const placed = assignRoles(speaks, [picture('a', 'image'), picture('b'), picture('c', 'image')], (one) => types[one.key]!);
  expect(placed.map((one) => one.role)).toEqual(['audio', 'image', '']);
  expect(inputsToSend(speaks, placed).map((one) => one.role)).toEqual(['audio', 'image']);
});

test('what goes on from something needs something to go on from, or a file in its place', () => {
  const always = model({ continues: 'always', prompt: null });
  expect(gapOf(always, '', [])).toEqual({ kind: 'origin', slot: null });
  expect(gapOf(always, '', [], true)).toBeNull();
  const maybe = model({ continues: 'maybe', prompt: null, inputs: [slot('video', 0, 1), slot('audio', 1, 1)] });
  expect(gapOf(maybe, '', [picture('s', 'audio')])).toMatchObject({ kind: 'origin', slot: { role: 'video' } });
  expect(gapOf(maybe, '', [picture('s', 'audio'), picture('v', 'video')])).toBeNull();
  expect(gapOf(maybe, '', [picture('s', 'audio')], true)).toBeNull();
  expect(gapOf(maybe, '', [], true)).toMatchObject({ kind: 'input', slot: { role: 'audio' } });
});

test('a model without inputs is sent no pictures', () => {
  expect(inputsToSend(model({}), [picture('a', 'image')])).toEqual([]);
});

test('says what is missing: the prompt, its length, a picture, an upload', () => {
  const edit = model({ inputs: [slot('image', 1, 2)] });
  expect(gapOf(edit, '  ', [])).toEqual({ kind: 'prompt' });
  expect(gapOf(edit, 'x'.repeat(21), [])).toEqual({ kind: 'prompt_long', limit: 20 });
  expect(gapOf(edit, '画'.repeat(20), [])).toMatchObject({ kind: 'input' });
  expect(gapOf(edit, 'fine', [{ key: 'a', asset_id: null, role: 'image' }])).toEqual({ kind: 'uploading' });
  expect(gapOf(edit, 'fine', [picture('a', 'image')])).toBeNull();
});

test('ratios are drawn from their declared aspect, or from how they are written', () => {
  expect(aspectOfValue(ratio('16:9'), '16:9')).toBeCloseTo(16 / 9);
  expect(aspectOfValue(ratio('auto'), 'auto')).toBeNull();
  expect(aspectOfValue(param('size', { type: 'size' }), { width: 100, height: 50 })).toBe(2);
});
