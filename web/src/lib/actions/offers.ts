/** What a provider offers to do with one asset, read from what the server sends. Pure: no provider is known by name. */
import type { Asset, Generation, GenerationRequest, InputRef, Model, Params, Text } from '#lib/api/types.ts';

export type Offer = {
  id: string;
  label: Text;
  model: string;
  prompt: string | null;
  params: Params;
  input_role: string | null;
  needs: string[];
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function read(raw: Record<string, unknown>): Offer | null {
  const { id, label, model, prompt, params, input_role, needs } = raw;
  if (!isText(id) || !isText(model) || !isRecord(label) || !isText(label.en)) return null;
  return {
    id,
    label: { en: label.en, zh: isText(label.zh) ? label.zh : label.en },
    model,
    prompt: isText(prompt) ? prompt : null,
    params: isRecord(params) ? (params as Params) : {},
    input_role: isText(input_role) ? input_role : null,
    needs: Array.isArray(needs) ? needs.filter(isText) : []
  };
}

/** The offers in a list; one that cannot be read is left out, as the server may speak of what is not known yet. */
const readAll = (raw: unknown): Offer[] => (Array.isArray(raw) ? raw.filter(isRecord).map(read).filter((offer) => offer !== null) : []);

export const offersOf = (asset: Asset): Offer[] => readAll(asset.actions);

/** What is offered for a result that is no file: words have their offers among the facts. */
export const offersOfWords = (view: Generation): Offer[] => readAll(view.facts?.actions);

/** What an offer is taken up with: the generation that made it, and the file, where there is one. */
export type Source = { generation_id: string; asset: Asset | null };

/** The kind of an offer, by its id: `zoom_out_2x` and `zoom.custom` are both a zoom. */
function family(id: string, shared: string): string {
  return /^[a-z]+/i.exec(id.slice(shared.length))?.[0].toLowerCase() ?? id;
}

/** What all ids begin with, up to a separator: it tells nothing apart. */
function sharedStart(ids: string[]): string {
  let shared = ids.length > 1 ? (ids[0] ?? '') : '';
  for (const id of ids) while (!id.startsWith(shared)) shared = shared.slice(0, -1);
  return shared.replace(/[a-z0-9]*$/i, '');
}

/** Offers that are alike stand together, in the order in which the provider named the first of each kind. */
export function grouped<O extends { id: string }>(offers: O[]): O[][] {
  const shared = sharedStart(offers.map((offer) => offer.id));
  const groups = new Map<string, O[]>();
  for (const offer of offers) {
    const kind = family(offer.id, shared);
    groups.set(kind, [...(groups.get(kind) ?? []), offer]);
  }
  const several = [...groups.values()].filter((group) => group.length > 1);
  const single = [...groups.values()].filter((group) => group.length === 1).flat();
  return single.length ? [...several, single] : several;
}

/** The role in which the asset itself is given, where the model takes such a file there. */
export function ownRole(offer: Offer, model: Model, asset: Asset | null): string | null {
  const slot = model.inputs.find((one) => one.role === offer.input_role);
  return asset && slot?.content_types.includes(asset.content_type) ? slot.role : null;
}

export type Needs = { words: boolean; mask: boolean; files: string[] };

/** What the person still has to give: words, a mask over the asset, files in other roles. */
export function needsOf(offer: Offer, model: Model, asset: Asset | null): Needs {
  const own = ownRole(offer, model, asset);
  const demanded = model.inputs.filter((slot) => slot.minimum > 0 && slot.role !== own && slot.role !== 'mask').map((slot) => slot.role);
  const named = offer.needs.filter((need) => need !== 'prompt' && need !== 'mask');
  return {
    words: offer.needs.includes('prompt') || (!offer.prompt && (model.prompt?.required ?? false)),
    mask: offer.needs.includes('mask'),
    files: [...new Set([...named, ...demanded])]
  };
}

export type Given = { prompt?: string; mask?: string; params?: Params };

/** The request that takes the offer up: a new generation whose parent is the one that offers it. */
export function requestOf(offer: Offer, model: Model, { asset, generation_id }: Source, given: Given = {}): Omit<GenerationRequest, 'id'> {
  const role = ownRole(offer, model, asset);
  const inputs: InputRef[] = [];
  if (role && asset) inputs.push({ role, asset_id: asset.id });
  if (given.mask) inputs.push({ role: 'mask', asset_id: given.mask });
  return { model: model.id, prompt: (given.prompt ?? offer.prompt ?? '').trim(), params: { ...offer.params, ...given.params }, inputs, parent_id: generation_id };
}
