/**
 * The generations on the screen: newest first, one reactive value per generation, so that an event
 * redraws one card and nothing else. An event carries what a refetch would return, and is applied by
 * version: an older answer that arrives late changes nothing.
 */
import type { Asset, Generation, LineItem, Page } from '#lib/api/types.ts';
import { isOver } from '#lib/feed/status.ts';

export class Entry {
  readonly id: string;
  view = $state.raw<Generation>() as Generation;

  constructor(view: Generation) {
    this.id = view.id;
    this.view = view;
  }
}

/** Newest first; of two made in the same moment, the larger id first, as the server orders them. */
export function newerFirst(a: Generation, b: Generation): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? 1 : -1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

export class Feed {
  entries = $state.raw<Entry[]>([]);
  next = $state.raw<string | null>(null);
  line = $state.raw<ReadonlyMap<string, LineItem>>(new Map());
  /** How many are not finished: read by the tab's title. */
  unfinished = $state(0);
  #byId = new Map<string, Entry>();
  #deleted = new Set<string>();

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  /** Replaces everything with the first page of the list. */
  reset(page: Page<Generation>): void {
    const kept = new Map(this.#byId);
    this.#byId = new Map();
    this.#deleted.clear();
    for (const view of page.items) {
      const entry = kept.get(view.id);
      if (entry) entry.view = view;
      this.#byId.set(view.id, entry ?? new Entry(view));
    }
    this.next = page.next;
    this.#sort();
  }

  /** Adds the following page of the list. */
  append(page: Page<Generation>): void {
    for (const view of page.items) {
      if (this.#deleted.has(view.id)) continue;
      const entry = this.#byId.get(view.id);
      if (!entry) this.#byId.set(view.id, new Entry(view));
      else if (view.version > entry.view.version) entry.view = view;
    }
    this.next = page.next;
    this.#sort();
  }

  /** One generation as the server says it is now. */
  put(view: Generation): void {
    if (this.#deleted.has(view.id)) return;
    const entry = this.#byId.get(view.id);
    if (entry) {
      if (view.version < entry.view.version) return;
      const wasOver = isOver(entry.view.status);
      entry.view = view;
      if (wasOver !== isOver(view.status)) this.#count();
      return;
    }
    const oldest = this.entries.at(-1)?.view;
    // Older than what is on the screen: it will come with its own page, where it belongs.
    if (this.next !== null && oldest && newerFirst(view, oldest) > 0) return;
    this.#byId.set(view.id, new Entry(view));
    this.#sort();
  }

  remove(id: string): void {
    this.#deleted.add(id);
    if (this.#byId.delete(id)) this.#sort();
  }

  putAsset(asset: Asset): void {
    const entry = asset.generation_id ? this.#byId.get(asset.generation_id) : undefined;
    if (!entry) return;
    const assets = entry.view.assets.map((known) => (known.id === asset.id ? asset : known));
    entry.view = { ...entry.view, assets };
  }

  removeAsset(id: string): void {
    for (const entry of this.#byId.values()) {
      if (!entry.view.assets.some((asset) => asset.id === id)) continue;
      entry.view = { ...entry.view, assets: entry.view.assets.filter((asset) => asset.id !== id) };
    }
  }

  setLine(items: LineItem[]): void {
    this.line = new Map(items.map((item) => [item.generation_id, item]));
  }

  clear(): void {
    this.#byId = new Map();
    this.#deleted.clear();
    this.next = null;
    this.line = new Map();
    this.#sort();
  }

  #sort(): void {
    this.entries = [...this.#byId.values()].sort((a, b) => newerFirst(a.view, b.view));
    this.#count();
  }

  #count(): void {
    let unfinished = 0;
    for (const entry of this.#byId.values()) if (!isOver(entry.view.status)) unfinished++;
    this.unfinished = unfinished;
  }
}
