/** The exact price of what is on the desk, asked for again a moment after it changes. */
import * as api from '#lib/api/calls.ts';
import { wasAbandoned } from '#lib/api/http.ts';
import type { Quote } from '#lib/api/types.ts';
import { draft } from './draft.svelte';
import { provisionalPrice } from './provisional';

const ASK_AFTER_MS = 200;

class Price {
  quote = $state.raw<Quote | null>(null);
  problem = $state.raw<unknown>(null);
  asking = $state(false);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #abort: AbortController | null = null;
  #askedFor = '';
  #quoted = $state('');

  /** The last exact price stays, dimmed, while a new one is asked for; the model's own row only fills the very first gap. */
  shown: number | null = $derived(
    this.quote && this.#quoted === draft.model?.id
      ? this.quote.price_credits
      : draft.model
        ? provisionalPrice(draft.model, draft.params)
        : null
  );

  /** Called whenever the desk changes; of the prompt only flags move the price, so typing words asks nothing. */
  ask(): void {
    const { request } = draft;
    const wanted = request ? JSON.stringify([request.model, request.params, request.inputs]) : '';
    if (!request || wanted === this.#askedFor) return;
    this.#askedFor = wanted;
    this.asking = true;
    this.problem = null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#timer = setTimeout(() => void this.#send(request), ASK_AFTER_MS);
  }

  /** Prices or the balance may have changed behind our back. */
  forget(): void {
    this.#askedFor = '';
  }

  async #send(request: NonNullable<typeof draft.request>): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      this.quote = await api.quote({ model: request.model, params: request.params, inputs: request.inputs }, abort.signal);
      this.#quoted = request.model;
    } catch (error) {
      if (!wasAbandoned(error)) {
        this.quote = null;
        this.problem = error;
      }
    }
    if (this.#abort === abort) this.asking = false;
  }
}

export const price = new Price();
