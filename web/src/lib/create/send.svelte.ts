/**
 * Sends what is on the desk. The id is made here, before the first try, and kept while the same request
 * is tried again after a lost answer: the server answers the same generation twice rather than making two.
 */
import * as api from '#lib/api/calls.ts';
import { Problem, wasAbandoned } from '#lib/api/http.ts';
import { uuidv7 } from '#lib/api/ids.ts';
import type { Generation } from '#lib/api/types.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { draft } from './draft.svelte';
import { price } from './price.svelte';

class Sender {
  busy = $state(false);
  problem = $state.raw<unknown>(null);
  #unanswered: { id: string; body: string } | null = null;

  async send(): Promise<Generation | null> {
    const { request } = draft;
    if (this.busy || !request || draft.gap) return null;
    const body = JSON.stringify(request);
    const id = this.#unanswered?.body === body ? this.#unanswered.id : uuidv7();
    this.busy = true;
    this.problem = null;
    try {
      const made = await api.requestGeneration({ id, ...request });
      this.#unanswered = null;
      studio.feed.put(made);
      return made;
    } catch (error) {
      // Without a clear answer the request may have arrived: the next try of the same must carry the same id.
      const unclear = !(error instanceof Problem) || error.status === 0 || error.status >= 500;
      this.#unanswered = unclear ? { id, body } : null;
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
