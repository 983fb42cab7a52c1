import { expect, test } from 'vitest';
import type { Asset, Generation, InputSlot, Model } from '#lib/api/types.ts';
import { grouped, needsOf, offersOf, offersOfWords, requestOf, type Offer } from './offers';

const text = (en: string) => ({ en, zh: en });
const asset = (rest: Partial<Asset> = {}): Asset => ({ id: 'a1', generation_id: 'g1', kind: 'image', content_type: 'image/png', actions: [], ...rest }) as Asset;
const source = (rest: Partial<Asset> = {}) => ({ generation_id: 'g1', asset: asset(rest) });
const slot = (role: string, minimum: number, types = ['image/png']): InputSlot => ({ role, label: text(role), minimum, maximum: 1, content_types: types, max_bytes: 1e6 });
const model = (rest: Partial<Model> = {}): Model => ({ id: 'm', name: text('M'), prompt: { required: false, max_chars: 99 }, params: [], inputs: [], ...rest }) as Model;
const offer = (rest: Partial<Offer> = {}): Offer => ({ id: 'o', label: text('O'), model: 'm', prompt: null, params: {}, input_role: null, needs: [], ...rest });
const ids = (groups: { id: string }[][]): string[][] => groups.map((group) => group.map((one) => one.id));

test('an offer is read whole; one that lacks its name or its model is left out', () => {
  const whole = { id: 'zoom', label: { en: 'Zoom', zh: '缩放' }, model: 'm', prompt: 'wider', params: { by: 2 }, input_role: 'image', needs: ['prompt', 7] };
  const read = offersOf(asset({ actions: [whole, { id: 'x', model: 'm' }, { label: text('y') }, { id: 'z', label: { en: 'Z' }, model: 'm' }] }));
  expect(read).toEqual([
    { ...whole, needs: ['prompt'] },
    { id: 'z', label: { en: 'Z', zh: 'Z' }, model: 'm', prompt: null, params: {}, input_role: null, needs: [] }
  ]);
});

test('offers that are alike stand together, single ones at the end', () => {
  const named = ['upscale_subtle', 'upscale_creative', 'vary_subtle', 'vary_strong', 'reroll', 'zoom_out_2x', 'zoom_custom', 'seed'];
  expect(ids(grouped(named.map((id) => ({ id }))))).toEqual([
    ['upscale_subtle', 'upscale_creative'],
    ['vary_subtle', 'vary_strong'],
    ['zoom_out_2x', 'zoom_custom'],
    ['reroll', 'seed']
  ]);
});

test('what all ids begin with is no kinship', () => {
  const named = ['MJ::JOB::upsample::1', 'MJ::JOB::upsample::2', 'MJ::JOB::variation::1', 'MJ::JOB::variation::2'];
  expect(ids(grouped(named.map((id) => ({ id }))))).toEqual([named.slice(0, 2), named.slice(2)]);
});

test('a lone offer is a group of its own', () => {
  expect(ids(grouped([{ id: 'extend' }]))).toEqual([['extend']]);
});

test('words and mask are needed where the offer says so, and words also where the model will not go without', () => {
  expect(needsOf(offer({ needs: ['prompt', 'mask'] }), model(), asset())).toEqual({ words: true, mask: true, files: [] });
  const strict = model({ prompt: { label: null, required: true, max_chars: 9 } });
  expect(needsOf(offer(), strict, asset()).words).toBe(true);
  expect(needsOf(offer({ prompt: 'said already' }), strict, asset()).words).toBe(false);
});

test('files of other roles are needed; the asset itself and the mask are not asked for as files', () => {
  const speaks = model({ inputs: [slot('video', 0, ['video/mp4']), slot('audio', 1, ['audio/mpeg']), slot('mask', 1)] });
  const film = asset({ kind: 'video', content_type: 'video/mp4' });
  expect(needsOf(offer({ input_role: 'video', needs: ['audio'] }), speaks, film).files).toEqual(['audio']);
  expect(needsOf(offer({ needs: ['mask'] }), speaks, film).files).toEqual(['audio']);
});

test('the request names the parent, and gives the asset and the mask in their roles', () => {
  const edits = model({ inputs: [slot('image', 1), slot('mask', 0)] });
  expect(requestOf(offer({ input_role: 'image', params: { strength: 3 } }), edits, source(), { prompt: ' a red door ', mask: 'mask1', params: { speed: 'fast' } })).toEqual({
    model: 'm',
    prompt: 'a red door',
    params: { strength: 3, speed: 'fast' },
    inputs: [{ role: 'image', asset_id: 'a1' }, { role: 'mask', asset_id: 'mask1' }],
    parent_id: 'g1'
  });
});

test('an asset the role does not take is not given in it', () => {
  const hears = model({ inputs: [slot('audio', 0, ['audio/mpeg'])] });
  expect(requestOf(offer({ input_role: 'audio' }), hears, source({ content_type: 'video/mp4' })).inputs).toEqual([]);
});

test('words have their offers among the facts, and are taken up without a file', () => {
  const view = { id: 'g2', facts: { texts: ['a fox'], actions: [{ id: 'pick_1', label: text('Make it'), model: 'm', prompt: 'a fox', needs: ['prompt'] }] } };
  const [pick] = offersOfWords(view as unknown as Generation);
  expect(requestOf(pick!, model(), { generation_id: 'g2', asset: null })).toMatchObject({ prompt: 'a fox', inputs: [], parent_id: 'g2' });
  expect(offersOfWords({ facts: null } as unknown as Generation)).toEqual([]);
});
