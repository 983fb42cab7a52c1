/** The exact price of what is on the desk, asked for again a moment after it changes. */
import * as api from '#lib/api/calls.ts';
import { Problem, wasAbandoned } from '#lib/api/http.ts';
import type { Quote } from '#lib/api/types.ts';
import { draft } from './draft.svelte';
import { maySayMore } from './flags';
import { provisionalPrice } from './provisional';

const ASK_AFTER_MS = 200;
/** What stands at the end of the prompt may still be being typed: it is not called wrong between two letters. */
const ASK_OF_TYPING_AFTER_MS = 800;

class Price {
  quote = $state.raw<Quote | null>(null);
  problem = $state.raw<unknown>(null);
  asking = $state(false);
  /** What is wrong with the flags in the words has stood for a while: it is no longer a word on its way. */
  faultsStood = $state(false);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #abort: AbortController | null = null;
  #askedFor = '';
  #quoted = $state('');
  #refused = '';

  /** The last exact price stays, dimmed, while a new one is asked for; the model's own row only fills the very first gap. */
  shown: number | null = $derived(
    this.quote && this.#quoted === draft.model?.id
      ? this.quote.price_credits
      : draft.model
        ? provisionalPrice(draft.model, draft.params)
        : null
  );

  /** That the server would refuse what is on the desk, as it said when it was asked for the price. */
  refusal: Problem | null = $derived(this.problem instanceof Problem && this.problem.status === 422 ? this.problem : null);

  /** Called whenever the desk changes; of the prompt only flags move the price, so typing words asks nothing. */
  ask(): void {
    const { request } = draft;
    const prompt = request && maySayMore(draft.model, request.prompt ?? '') ? request.prompt : '';
    const wanted = request ? JSON.stringify([request.model, prompt, request.params, request.inputs]) : '';
    if (!request || wanted === this.#askedFor) return;
    this.#askedFor = wanted;
    this.asking = true;
    // A refusal stands until the next answer: the button does not come alive for a moment at every letter.
    if (!this.refusal || this.#refused !== request.model) this.problem = null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#abort?.abort();
    // What was given up no longer says when the asking is over.
    this.#abort = null;
    const { faults } = draft.typed;
    if (faults.length === 0) this.faultsStood = false;
    const typing = faults.some((fault) => fault.typing);
    // What is known here to be refused is not asked about.
    this.#timer = setTimeout(() => (faults.length ? this.#hold() : void this.#send({ ...request, prompt })), typing ? ASK_OF_TYPING_AFTER_MS : ASK_AFTER_MS);
  }

  /** Prices or the balance may have changed behind our back. */
  forget(): void {
    this.#askedFor = '';
  }

  #hold(): void {
    this.quote = null;
    this.problem = null;
    this.asking = false;
    this.faultsStood = true;
  }

  async #send(request: NonNullable<typeof draft.request>): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const { model, prompt, params, inputs } = request;
      this.quote = await api.quote({ model, prompt, params, inputs }, abort.signal);
      this.problem = null;
      this.#quoted = request.model;
    } catch (error) {
      if (!wasAbandoned(error)) {
        this.quote = null;
        this.problem = error;
        this.#refused = request.model;
      }
    }
    if (this.#abort === abort) this.asking = false;
  }
}

export const price = new Price();
