/** What the studio knows while somebody is signed in: the models, the feed, and the one live connection. */
import * as api from '#lib/api/calls.ts';
import { abandonQuestions, wasAbandoned } from '#lib/api/http.ts';
import type { Asset, LiveEvent, Model } from '#lib/api/types.ts';
import { LiveSource, type LiveState } from '#lib/live/source.ts';
import { Feed } from './feed.svelte';
import { session } from './session.svelte';

const PAGE = 30;

class Studio {
  models = $state.raw<Model[]>([]);
  feed = new Feed();
  live = $state<LiveState>('closed');
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  failure = $state.raw<unknown>(null);
  #source = new LiveSource((event) => this.#take(event), (state) => this.#heard(state));
  #watchers = new Set<(event: LiveEvent) => void>();
  #opened = false;
  #lastState: LiveState = 'closed';

  modelOf(id: string): Model | undefined {
    return this.models.find((model) => model.id === id || model.aliases.includes(id));
  }

  /** Loads the first screen and starts listening where the list was valid. Safe to call twice. */
  async open(): Promise<void> {
    if (this.#opened) return;
    this.#opened = true;
    addEventListener('online', this.#wake);
    addEventListener('offline', this.#doubt);
    document.addEventListener('visibilitychange', this.#wakeIfVisible);
    await this.load();
  }

  async load(): Promise<void> {
    this.phase = this.feed.entries.length ? 'ready' : 'loading';
    try {
      const [models, page] = await Promise.all([api.listModels(), api.listGenerations({ limit: PAGE })]);
      this.models = models.items;
      this.feed.reset(page);
      this.phase = 'ready';
      // Asked after the list and before listening: what moved before the list's number is in the answer, what
      // moves later will be told.
      const { available, held } = await api.getCredits();
      // Whoever signed out meanwhile is not listened for.
      if (!this.#opened) return;
      session.credits = { available, held };
      this.#source.start(page.cursor ?? null);
    } catch (error) {
      if (wasAbandoned(error)) return;
      this.failure = error;
      this.phase = 'error';
    }
  }

  async more(): Promise<void> {
    const cursor = this.feed.next;
    if (!cursor) return;
    const page = await api.listGenerations({ cursor, limit: PAGE });
    // Two scrolls may ask for the same page; only the first answer moves on.
    if (this.feed.next === cursor) this.feed.append(page);
  }

  async reloadModels(): Promise<void> {
    this.models = (await api.listModels()).items;
  }

  /** Hangs up: no listening, and no answer is waited for that would come to somebody else. */
  close(): void {
    this.#opened = false;
    this.#source.stop();
    abandonQuestions();
    this.feed.clear();
    this.phase = 'loading';
    removeEventListener('online', this.#wake);
    removeEventListener('offline', this.#doubt);
    document.removeEventListener('visibilitychange', this.#wakeIfVisible);
  }

  /** Hears every event after the feed has: for pages that keep lists of their own. */
  watch(listener: (event: LiveEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  putAsset(asset: Asset): void {
    this.#take({ name: 'asset.changed', data: asset });
  }

  dropAsset(id: string): void {
    this.#take({ name: 'asset.deleted', data: { id } });
  }

  dropGeneration(id: string): void {
    this.#take({ name: 'generation.deleted', data: { id } });
  }

  #take(event: LiveEvent): void {
    if (event.name === 'generation.changed') this.feed.put(event.data);
    else if (event.name === 'generation.deleted') this.feed.remove(event.data.id);
    else if (event.name === 'asset.changed') this.feed.putAsset(event.data);
    else if (event.name === 'asset.deleted') this.feed.removeAsset(event.data.id);
    else if (event.name === 'credits.changed') session.credits = event.data;
    else if (event.name === 'line') this.feed.setLine(event.data.items);
    else if (event.name === 'reset') void this.#startOver();
    for (const watcher of this.#watchers) watcher(event);
  }

  /** The server no longer remembers our place: what is on the screen is asked for again, then heard on from there. */
  async #startOver(): Promise<void> {
    this.#source.stop();
    await Promise.all([this.load(), session.refresh()]);
  }

  #heard(state: LiveState): void {
    const before = this.#lastState;
    this.#lastState = state;
    this.live = state;
    // An event stream cannot tell "signed out" from "down"; after a loss the session is asked once.
    if (state === 'lost' && before === 'open') void session.refresh().catch(() => undefined);
  }

  #wake = (): void => this.#source.wake();
  #doubt = (): void => this.#source.doubt();
  #wakeIfVisible = (): void => {
    if (document.visibilityState === 'visible' && this.live === 'lost') this.#source.wake();
  };
}

export const studio = new Studio();
