/** Tells a screen reader what became of the generations, once each and without the intermediate steps. */
import type { Generation } from '#lib/api/types.ts';
import { t } from '#lib/i18n/index.svelte.ts';

class Announcer {
  words = $state('');
  #told = new Map<string, string>();

  hear(view: Generation, model: string): void {
    const ending = view.status;
    if (ending === 'queued' || ending === 'submitting' || ending === 'storing') return;
    if (this.#told.get(view.id) === ending) return;
    this.#told.set(view.id, ending);
    const outcome = ending === 'succeeded' && view.kind !== 'image' ? (`ready_${view.kind}` as const) : ending;
    this.words = t(`announce.${outcome}`, { model, n: view.assets.length });
  }
}

export const announcer = new Announcer();
