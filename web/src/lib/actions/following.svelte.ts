/** Taking up what is offered for an asset: at once where nothing is missing, else by asking for what is. */
import { goto } from '$app/navigation';
import { page } from '$app/state';
import { uploadAsset } from '#lib/api/calls.ts';
import { wasAbandoned } from '#lib/api/http.ts';
import type { Asset, Generation, Model, Params } from '#lib/api/types.ts';
import { draft } from '#lib/create/draft.svelte.ts';
import { requestOnce } from '#lib/create/once.ts';
import { fit } from '#lib/create/params.ts';
import { provisionalPrice } from '#lib/create/provisional.ts';
import { said, t } from '#lib/i18n/index.svelte.ts';
import { viewer } from '#lib/library/viewer.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { complain, say } from '#lib/ui/toasts.svelte.ts';
import { needsOf, offersOf, offersOfWords, ownRole, requestOf, type Given, type Needs, type Offer, type Source } from './offers';

export type Following = { source: Source; offer: Offer; model: Model; needs: Needs };

class Asking {
  /** What is being asked for on the screen, if anything. */
  open = $state.raw<Following | null>(null);
  /** The offers that were pressed and have no answer yet: the second press of a double click is not a second wish. */
  busy = $state.raw<ReadonlySet<Offer>>(new Set());
}
export const following = new Asking();

export const usable = (model: Model | undefined): model is Model =>
  model !== undefined && model.available && (session.user?.role === 'admin' || model.enabled);

function followings(source: Source, offers: Offer[]): Following[] {
  return offers.flatMap((offer) => {
    const model = studio.modelOf(offer.model);
    return usable(model) ? [{ source, offer, model, needs: needsOf(offer, model, source.asset) }] : [];
  });
}

/** What its provider offers to do with this asset, as far as the models for it are on offer here. */
export const followingsOf = (asset: Asset): Following[] =>
  asset.generation_id ? followings({ generation_id: asset.generation_id, asset }, offersOf(asset)) : [];

/** What is offered to do with the words a generation made. */
export const followingsOfWords = (view: Generation): Following[] => followings({ generation_id: view.id, asset: null }, offersOfWords(view));

/** What taking it up costs, by the price the model is listed at. */
export const priceOf = (one: Following, chosen: Params = {}): number =>
  provisionalPrice(one.model, fit(one.model, { ...one.offer.params, ...chosen }));

export const isAsking = (one: Following): boolean => one.needs.words || one.needs.mask || one.needs.files.length > 0;

export async function follow(one: Following): Promise<void> {
  if (one.needs.files.length && one.source.asset) await toDeskWith(one.source.asset, one.model, one.offer);
  else if (isAsking(one)) following.open = one;
  else await takeUp(one);
}

/** Asks for it; resolves to the new generation, or null when it was refused, which has then been said. */
export async function takeUp(one: Following, given: Given & { painted?: File } = {}): Promise<Generation | null> {
  if (following.busy.has(one.offer)) return null;
  following.busy = new Set([...following.busy, one.offer]);
  try {
    const mask = given.painted ? (await uploadAsset(given.painted, 'mask')).id : given.mask;
    const made = await requestOnce(requestOf(one.offer, one.model, one.source, { ...given, mask }));
    studio.feed.put(made);
    say(t('follow.begun', { what: said(one.offer.label) }));
    return made;
  } catch (error) {
    if (!wasAbandoned(error)) complain(error);
    return null;
  } finally {
    following.busy = new Set([...following.busy].filter((other) => other !== one.offer));
  }
}

/** Everything on the desk instead, for what has to be added there: the model, the parameters, and where it goes on from. */
async function toDeskWith(asset: Asset, model: Model, offer: Offer): Promise<void> {
  draft.modelId = model.id;
  draft.wishes = { ...draft.wishes, ...offer.params };
  if (offer.prompt) draft.prompt = offer.prompt;
  draft.references = [];
  draft.origin = asset;
  const role = ownRole(offer, model, asset);
  if (role) draft.addAsset(asset, role);
  await toDesk();
}

/** To the desk, from wherever one is. */
export async function toDesk(): Promise<void> {
  if (page.url.pathname === '/create') viewer.close();
  else {
    viewer.closed();
    await goto('/create');
  }
  scrollTo({ top: 0 });
  draft.attention++;
}
