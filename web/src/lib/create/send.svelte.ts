/** Sends what is on the desk. */
import { wasAbandoned } from '#lib/api/http.ts';
import type { Generation } from '#lib/api/types.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { draft } from './draft.svelte';
import { requestOnce } from './once';
import { price } from './price.svelte';

class Sender {
  busy = $state(false);
  problem = $state.raw<unknown>(null);

  async send(): Promise<Generation | null> {
    const { request } = draft;
    if (this.busy || !request || draft.gap) return null;
    this.busy = true;
    this.problem = null;
    try {
      const made = await requestOnce(request);
      studio.feed.put(made);
      return made;
    } catch (error) {
      this.problem = wasAbandoned(error) ? null : error;
      price.forget();
      price.ask();
      return null;
    } finally {
      this.busy = false;
    }
  }
}

export const sender = new Sender();
