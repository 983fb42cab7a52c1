import { describe, expect, it } from 'vitest';
import type { DeclaredParam, Entry, Proposal } from '#lib/api/admin_types.ts';
import { drawn, entryOf, idFrom, isEntry, nameOfFile, NotADocument, readDocument, rowsOf, withParam, withShown } from './declared';

const words = (text: string) => ({ en: text, zh: text });
const steps: DeclaredParam = { type: 'integer', name: 'steps', label: words('Steps'), minimum: 1, maximum: 50, default: 20 };
const pictures: DeclaredParam = { type: 'integer', name: 'num_images', label: words('Pictures'), minimum: 1, maximum: 4, default: 2 };
const file: DeclaredParam = { type: 'choice', name: 'file', label: words('File'), choices: [{ value: 'a', label: words('a') }], optional: true };
const entry = { id: 'own-x', params: [steps, pictures], outputs: 1, outputs_param: 'num_images' } as unknown as Entry;
const proposal = { entry, spare: [file], findings: [], checked: true } as Proposal;

describe('an id from a name', () => {
  it.each([
    ['Neon Portrait', 'own-neon-portrait'],
    ['  Été & Co. ', 'own-e-te-co'],
    ['霓虹', 'own-model'],
    ['', 'own-model'],
    ['x'.repeat(100), `own-${'x'.repeat(60)}`]
  ])('%s', (name, id) => expect(idFrom(name)).toBe(id));
});

describe('what can be set', () => {
  it('keeps the order of the proposal, and says what people are shown', () => {
    expect(rowsOf(entry, proposal).map((row) => [row.param.name, row.shown])).toEqual([['steps', true], ['num_images', true], ['file', false]]);
  });
  it('keeps what the document no longer knows, so that it can be taken away', () => {
    expect(rowsOf({ ...entry, params: [file] } as Entry, { ...proposal, spare: [] }).map((row) => row.param.name)).toContain('file');
  });
  it('shows what was changed rather than what was proposed', () => {
    const changed = withParam(entry, 'steps', { default: 30 });
    expect(rowsOf(changed, proposal)[0]!.param.default).toBe(30);
    expect(entry.params[0]!.default).toBe(20);
  });
  it('counts results by a parameter only while people are shown it', () => {
    const without = withShown(entry, { param: pictures, shown: true }, proposal);
    expect([without.outputs_param, without.outputs]).toEqual([null, 2]);
    const again = withShown(without, { param: pictures, shown: false }, proposal);
    expect([again.outputs_param, again.params.map((param) => param.name)]).toEqual(['num_images', ['steps', 'num_images']]);
  });
});

it('draws each type with its usual control', () => {
  expect([drawn(steps).control, drawn(file).control, drawn({ ...file, choices: [{ value: '1:1', label: words('1:1'), aspect: 1 }] }).control]).toEqual(['slider', 'segmented', 'ratio']);
});

describe('a document in a file', () => {
  const of = (text: string) => new File([text], 'x.json');
  it('is a table', async () => expect(await readDocument(of('{"a":{"b":1}}'), 100)).toEqual({ a: { b: 1 } }));
  it.each(['[1]', 'null', '"x"', '{', ''])('is not %s', async (text) => {
    await expect(readDocument(of(text), 100)).rejects.toBeInstanceOf(NotADocument);
  });
  it('has a limit', async () => {
    await expect(readDocument(of('{"a":"xxxxxxxx"}'), 5)).rejects.toThrow('large');
  });
  it('keeps its seeds within what the server can read', async () => {
    const read: Record<string, unknown> = await readDocument(of('{"seed":18446744073709551615,"maximum":9007199254740992,"low":-7}'), 100);
    expect(Math.abs(read.seed as unknown as number)).toBeLessThan(2 ** 53);
    expect([read.maximum, read.low]).toEqual([2 ** 53, -7]);
  });
  it('lends its name', () => expect(nameOfFile(new File([], 'neon_portrait-v2.api.json'))).toBe('neon portrait v2.api'));
});

it('knows an exported entry from a document', () => {
  expect(isEntry({ '3': { class_type: 'KSampler' } })).toBe(false);
  const exported = { id: 'own-x', provider: 'x', endpoint: 'x', makes: 'image', name: words('x'), price: {}, options: {} };
  expect(isEntry(exported)).toBe(true);
  expect(entryOf(exported).params).toEqual([]);
});
