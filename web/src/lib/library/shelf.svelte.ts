/** The assets that match the filters, newest first, page by page and kept up to date by the events. */
import * as api from '#lib/api/calls.ts';
import type { Asset, Generation, LiveEvent } from '#lib/api/types.ts';
import { asksGenerations, none, type Filters } from './filters';

const PAGE = 100;

export class Shelf {
  assets = $state.raw<Asset[]>([]);
  phase = $state<'loading' | 'ready' | 'error'>('loading');
  failure = $state.raw<unknown>(null);
  next = $state.raw<string | null>(null);
  #filters: Filters = none;
  #abort: AbortController | null = null;
  #loadingMore = false;

  async load(filters: Filters): Promise<void> {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.#filters = filters;
    this.phase = 'loading';
    try {
      const page = await this.#page(null, abort.signal);
      if (abort.signal.aborted) return;
      this.assets = page.assets;
      this.next = page.next;
      this.phase = 'ready';
    } catch (error) {
      if (abort.signal.aborted) return;
      this.failure = error;
      this.phase = 'error';
    }
  }

  async more(): Promise<void> {
    if (!this.next || this.#loadingMore || !this.#abort) return;
    this.#loadingMore = true;
    const { signal } = this.#abort;
    try {
      const page = await this.#page(this.next, signal);
      if (signal.aborted) return;
      const known = new Set(this.assets.map((asset) => asset.id));
      this.assets = [...this.assets, ...page.assets.filter((asset) => !known.has(asset.id))];
      this.next = page.next;
    } finally {
      this.#loadingMore = false;
    }
  }

  async #page(cursor: string | null, signal: AbortSignal): Promise<{ assets: Asset[]; next: string | null }> {
    const { q, model, kind, favourite, source } = this.#filters;
    const only = favourite || undefined;
    if (!asksGenerations(this.#filters)) {
      const page = await api.listAssets({ source: source || null, kind: kind || null, favourite: only, cursor, limit: PAGE }, signal);
      return { assets: page.items, next: page.next };
    }
    const page = await api.listGenerations({ q, model, kind, favourite: only, status: ['succeeded'], cursor, limit: PAGE }, signal);
    return { assets: page.items.flatMap((view) => view.assets).filter((asset) => this.#belongs(asset)), next: page.next };
  }

  hear(event: LiveEvent): void {
    if (event.name === 'asset.deleted') this.#drop((asset) => asset.id !== event.data.id);
    else if (event.name === 'generation.deleted') this.#drop((asset) => asset.generation_id !== event.data.id);
    else if (event.name === 'asset.changed') this.#put(event.data);
    else if (event.name === 'generation.changed' && event.data.status === 'succeeded') this.#putAll(event.data);
    else if (event.name === 'reset') void this.load(this.#filters);
  }

  #belongs(asset: Asset): boolean {
    const { kind, favourite, source } = this.#filters;
    return !asset.role && (!kind || asset.kind === kind) && (!favourite || asset.favourite) && (!source || asset.source === source);
  }

  #putAll(view: Generation): void {
    if (this.#filters.model && view.model !== this.#filters.model) return;
    if (this.#filters.q && !view.prompt.toLowerCase().includes(this.#filters.q.toLowerCase())) return;
    for (const asset of view.assets) this.#put(asset, true);
  }

  /** A changed asset takes its place; a new one comes to the front, unless only words could say whether it belongs. */
  #put(asset: Asset, matched = false): void {
    const at = this.assets.findIndex((known) => known.id === asset.id);
    if (at >= 0) {
      const assets = this.assets.with(at, asset);
      this.assets = this.#belongs(asset) ? assets : assets.filter((one) => one.id !== asset.id);
      return;
    }
    if (!this.#belongs(asset) || (asksGenerations(this.#filters) && !matched)) return;
    const oldest = this.assets.at(-1);
    if (this.next && oldest && asset.created_at < oldest.created_at) return;
    const before = this.assets.findIndex((known) => known.created_at < asset.created_at || (known.created_at === asset.created_at && known.id < asset.id));
    this.assets = this.assets.toSpliced(before < 0 ? this.assets.length : before, 0, asset);
  }

  #drop(keep: (asset: Asset) => boolean): void {
    if (!this.assets.every(keep)) this.assets = this.assets.filter(keep);
  }
}
