/** Generations looked up one by one, for pictures that are shown outside the stream. */
import { SvelteMap } from 'svelte/reactivity';
import { getGeneration } from '#lib/api/calls.ts';
import type { Generation } from '#lib/api/types.ts';
import { studio } from '#lib/state/studio.svelte.ts';

const MOST = 200;
const found = new SvelteMap<string, Generation>();
const asked = new Set<string>();

/** What is known now; a later answer redraws whoever asked. */
export function generationOf(id: string | null): Generation | null {
  if (!id) return null;
  const live = studio.feed.get(id);
  if (live) return live.view;
  return found.get(id) ?? null;
}

export async function lookUp(id: string | null): Promise<void> {
  if (!id || asked.has(id) || studio.feed.get(id)) return;
  asked.add(id);
  try {
    const view = await getGeneration(id);
    if (found.size >= MOST) found.delete(found.keys().next().value!);
    found.set(id, view);
  } catch {
    // A picture without its story is still a picture; looking at it again asks again.
    asked.delete(id);
  }
}
