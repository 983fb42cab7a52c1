/** Sends what is on the desk. */
import { wasAbandoned } from '#lib/api/http.ts';
import type { Generation } from '#lib/api/types.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { sayProblem } from '#lib/i18n/problem.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { sayGap } from './desk';
import { draft } from './draft.svelte';
import { sayFaults, sayFlag } from './fault';
import { requestOnce } from './once';
import { price } from './price.svelte';

class Sender {
  busy = $state(false);
  problem = $state.raw<unknown>(null);
  /** It was tried as it stands: what is wrong at the very end of the prompt is no longer a word on its way. */
  tried = $state(false);

  /** Why what is on the desk would be refused, in a sentence, or null. */
  hindrance: string | null = $derived.by(() => {
    if (draft.gap) return sayGap(draft.gap);
    const [fault] = draft.typed.faults;
    if (fault) return sayFlag(fault);
    if (price.refusal) return sayFaults(price.refusal, draft.model)[0] ?? sayProblem(price.refusal);
    return draft.model && !draft.model.available ? t('create.model_off') : null;
  });

  async send(): Promise<Generation | null> {
    const { request } = draft;
    if (this.busy || !request) return null;
    this.tried = true;
    if (this.hindrance) return null;
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
