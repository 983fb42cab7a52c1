/** What a person can do with a generation or an asset, as data: title, icon, when it is offered, and doing it. */
import { goto } from '$app/navigation';
import { page } from '$app/state';
import * as api from '#lib/api/calls.ts';
import { Problem } from '#lib/api/http.ts';
import type { Asset, Generation, Model, Text } from '#lib/api/types.ts';
import { draft } from '#lib/create/draft.svelte.ts';
import { isOver } from '#lib/feed/status.ts';
import { t, type Key } from '#lib/i18n/index.svelte.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { ask } from '#lib/ui/ask.svelte.ts';
import type { IconName } from '#lib/ui/icons.ts';
import { attempt, say } from '#lib/ui/toasts.svelte.ts';
import { viewer } from '#lib/library/viewer.svelte.ts';
import { toDesk, usable } from './following.svelte';

export type Action<T> = {
  key: string;
  title: Key;
  icon: IconName;
  when: (subject: T) => boolean;
  run: (subject: T) => unknown;
};

async function reuse(view: Generation): Promise<void> {
  const inputs = await Promise.all(view.inputs.map(({ asset_id }) => api.getAsset(asset_id).catch(() => null)));
  draft.reuse(view, inputs.filter((asset) => asset !== null));
  await toDesk();
}

async function retry(view: Generation): Promise<void> {
  const again = await attempt(() => api.retryGeneration(view.id));
  if (again) studio.feed.put(again);
}

async function cancel(view: Generation): Promise<void> {
  const canceled = await attempt(() => api.cancelGeneration(view.id));
  if (canceled) studio.feed.put(canceled);
}

async function copyPrompt(view: Generation): Promise<void> {
  await navigator.clipboard.writeText(view.prompt);
  say(t('action.copied'));
}

/** Resolves to whether it is gone. */
export async function removeGeneration(view: Generation): Promise<boolean> {
  const yes = await ask({ title: t('action.delete_generation_title'), body: t('action.delete_body'), yes: t('action.delete'), danger: true });
  if (!yes) return false;
  const gone = await attempt(async () => {
    await api.deleteGeneration(view.id);
    return true;
  });
  if (gone) studio.dropGeneration(view.id);
  return gone ?? false;
}

export const generationActions: Action<Generation>[] = [
  { key: 'cancel', title: 'action.cancel', icon: 'stop', when: (view) => view.can_cancel && !view.cancel_requested, run: cancel },
  { key: 'retry', title: 'action.retry', icon: 'retry', when: (view) => view.can_retry, run: retry },
  { key: 'reuse', title: 'action.reuse', icon: 'reuse', when: () => true, run: reuse },
  { key: 'copy', title: 'action.copy_prompt', icon: 'copy', when: (view) => view.prompt !== '', run: copyPrompt },
  { key: 'open', title: 'action.open', icon: 'info', when: () => !page.url.pathname.startsWith('/g/'), run: (view) => goto(`/g/${view.id}`) },
  { key: 'delete', title: 'action.delete', icon: 'trash', when: (view) => isOver(view.status), run: removeGeneration }
];

async function favourite(asset: Asset): Promise<void> {
  studio.putAsset({ ...asset, favourite: !asset.favourite });
  const saved = await attempt(() => api.patchAsset(asset.id, { favourite: !asset.favourite }));
  studio.putAsset(saved ?? asset);
}

export async function useAsReference(asset: Asset, role?: string): Promise<void> {
  draft.addAsset(asset, role);
  await toDesk();
}

export function download(asset: Asset): void {
  const link = document.createElement('a');
  link.href = asset.urls.download;
  link.download = '';
  link.click();
}

async function removeAsset(asset: Asset): Promise<void> {
  const yes = await ask({ title: t('action.delete_asset_title'), body: t('action.delete_body'), yes: t('action.delete'), danger: true });
  if (yes) await dropAssets([asset]);
}

/** Deletes one after the other; what is already gone counts as gone. Resolves to how many went. */
export async function dropAssets(assets: Asset[]): Promise<number> {
  let gone = 0;
  for (const asset of assets) {
    const done = await attempt(async () => {
      try {
        await api.deleteAsset(asset.id);
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 404) throw error;
      }
      return true;
    });
    if (!done) break;
    viewer.leave(asset.id);
    studio.dropAsset(asset.id);
    gone++;
  }
  return gone;
}

export const assetActions: Action<Asset>[] = [
  { key: 'favourite', title: 'action.favourite', icon: 'heart', when: () => true, run: favourite },
  { key: 'download', title: 'action.download', icon: 'download', when: () => true, run: download },
  { key: 'reference', title: 'action.reference', icon: 'reference', when: () => true, run: (asset) => useAsReference(asset) },
  { key: 'delete', title: 'action.delete', icon: 'trash', when: () => true, run: removeAsset }
];

export type FollowUp = { model: Model; label: Text; role: string };

/** What the models on offer can do with this asset, as the server describes them. */
export function followUpsOf(asset: Asset): FollowUp[] {
  return studio.models
    .filter(usable)
    .flatMap((model) => model.follow_ups.map(({ label, input_role }) => ({ model, label, role: input_role })))
    .filter(({ model, role }) => model.inputs.some((slot) => slot.role === role && slot.content_types.includes(asset.content_type)));
}

export async function followUp(asset: Asset, { model, role }: FollowUp): Promise<void> {
  draft.modelId = model.id;
  draft.references = [];
  draft.origin = null;
  await useAsReference(asset, role);
}
