/** What followed from a generation: asked for once, then kept up to date by what is told. */
import { SvelteMap } from 'svelte/reactivity';
import { listGenerations } from '#lib/api/calls.ts';
import type { Generation, LiveEvent } from '#lib/api/types.ts';
import { newerFirst } from '#lib/state/feed.svelte.ts';

const MOST = 100;
const SHOWN = 50;
const found = new SvelteMap<string, Generation[]>();
const asked = new Set<string>();

/** The newest first; empty until they are known. */
export const followersOf = (id: string | null): Generation[] => (id && found.get(id)) || [];

export async function lookUpFollowers(id: string | null): Promise<void> {
  if (!id || asked.has(id)) return;
  asked.add(id);
  try {
    const page = await listGenerations({ parent_id: id, limit: SHOWN });
    if (found.size >= MOST) {
      const oldest = found.keys().next().value!;
      found.delete(oldest);
      asked.delete(oldest);
    }
    found.set(id, page.items);
  } catch {
    // Without them the generation is still itself; looking at it again asks again.
    asked.delete(id);
  }
}

export function hearOfFollowers(event: LiveEvent): void {
  if (event.name === 'generation.changed' && event.data.parent_id) {
    const known = found.get(event.data.parent_id);
    if (!known) return;
    const others = known.filter((one) => one.id !== event.data.id);
    found.set(event.data.parent_id, [event.data, ...others].sort(newerFirst));
  } else if (event.name === 'generation.deleted') {
    for (const [id, known] of found) if (known.some((one) => one.id === event.data.id)) found.set(id, known.filter((one) => one.id !== event.data.id));
  } else if (event.name === 'reset') {
    found.clear();
    asked.clear();
  }
}
