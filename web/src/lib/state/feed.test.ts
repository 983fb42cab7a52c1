import { expect, test } from 'vitest';
import type { Asset, Generation, Status } from '#lib/api/types.ts';
import { Feed } from './feed.svelte';

/** A small server of its own: it keeps generations, and every change is one numbered event, as ours does. */
class Server {
  views = new Map<string, Generation>();
  log: ((feed: Feed) => void)[] = [];
  /** An id is never given twice, as the browser that makes it sees to. */
  gone = new Set<string>();

  page(limit = 100) {
    const items = [...this.views.values()].sort((a, b) => (a.created_at === b.created_at ? (a.id < b.id ? 1 : -1) : a.created_at < b.created_at ? 1 : -1));
    return { items: structuredClone(items.slice(0, limit)), next: items.length > limit ? String(limit) : null, cursor: this.log.length };
  }
  put(change: Partial<Generation> & { id: string }): void {
    if (this.gone.has(change.id)) return;
    const before = this.views.get(change.id);
    const view = { ...blank(change.id), ...before, ...change, version: (before?.version ?? 0) + 1 };
    this.views.set(view.id, view);
    const sent = structuredClone(view);
    this.log.push((feed) => feed.put(sent));
  }
  remove(id: string): void {
    this.views.delete(id);
    this.gone.add(id);
    this.log.push((feed) => feed.remove(id));
  }
  putAsset(id: string, asset: Asset): void {
    const view = this.views.get(id)!;
    this.views.set(id, { ...view, assets: view.assets.map((one) => (one.id === asset.id ? asset : one)) });
    this.log.push((feed) => feed.putAsset(asset));
  }
  removeAsset(id: string, asset: string): void {
    const view = this.views.get(id)!;
    this.views.set(id, { ...view, assets: view.assets.filter((one) => one.id !== asset) });
    this.log.push((feed) => feed.removeAsset(asset));
  }
}

const blank = (id: string): Generation =>
  ({ id, status: 'queued', prompt: '', assets: [], version: 0, created_at: `2026-01-01T00:00:${id.padStart(2, '0')}Z` }) as unknown as Generation;
const assetOf = (id: string, generation_id: string, favourite = false): Asset => ({ id, generation_id, favourite }) as unknown as Asset;
const shown = (feed: Feed): Generation[] => feed.entries.map((entry) => entry.view);

/** A repeatable stream of numbers, so that a failure can be looked at again. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
}

function live(server: Server, next: () => number): void {
  const statuses: Status[] = ['queued', 'submitting', 'running', 'storing', 'succeeded', 'failed', 'canceled', 'uncertain'];
  const ids = [...server.views.keys()];
  const id = ids[Math.floor(next() * ids.length)];
  const dice = next();
  if (!id || dice < 0.25) server.put({ id: String(10 + Math.floor(next() * 49)) });
  else if (dice < 0.65) {
    const status = statuses[Math.floor(next() * statuses.length)]!;
    server.put({ id, status, assets: status === 'succeeded' ? [assetOf(`${id}a`, id), assetOf(`${id}b`, id)] : [] });
  } else if (dice < 0.8 && server.views.get(id)!.assets[0]) server.putAsset(id, assetOf(`${id}a`, id, next() < 0.5));
  else if (dice < 0.9 && server.views.get(id)!.assets[0]) server.removeAsset(id, server.views.get(id)!.assets[0]!.id);
  else if (dice > 0.97) server.remove(id);
}

test('applying every event gives what a refetch gives, from any cursor', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = numbers(seed);
    const server = new Server();
    for (let at = 0; at < 20; at++) live(server, next);
    const feed = new Feed();
    const page = server.page();
    feed.reset(page);
    for (let at = 0; at < 120; at++) live(server, next);
    for (const event of server.log.slice(page.cursor)) event(feed);
    expect(shown(feed), `seed ${seed}`).toEqual(server.page().items);
  }
});

test('events heard twice, as after a reconnect, change nothing', () => {
  const next = numbers(7);
  const server = new Server();
  for (let at = 0; at < 30; at++) server.put({ id: String(10 + (at % 12)), status: next() < 0.5 ? 'running' : 'succeeded' });
  const feed = new Feed();
  for (const event of server.log) event(feed);
  const once = shown(feed);
  for (const event of server.log.slice(-10)) event(feed);
  expect(shown(feed)).toEqual(once);
});

test('an answer that arrives after a newer event does not turn the card back', () => {
  const feed = new Feed();
  feed.put({ ...blank('11'), status: 'succeeded', version: 5 });
  feed.put({ ...blank('11'), status: 'queued', version: 1 });
  expect(feed.get('11')!.view.status).toBe('succeeded');
});

test('a deleted generation does not come back by a late event', () => {
  const feed = new Feed();
  feed.put(blank('11'));
  feed.remove('11');
  feed.put({ ...blank('11'), version: 9 });
  expect(feed.entries).toEqual([]);
});

test('a change redraws its own card and leaves the others the same objects', () => {
  const feed = new Feed();
  feed.reset({ items: [blank('13'), blank('12'), blank('11')], next: null });
  const before = feed.entries;
  feed.put({ ...blank('12'), status: 'running', version: 2 });
  expect(feed.entries).toBe(before);
  expect(feed.get('12')!.view.status).toBe('running');
});

test('something older than the loaded pages waits for its own page', () => {
  const feed = new Feed();
  feed.reset({ items: [blank('30'), blank('29')], next: 'more' });
  feed.put(blank('11'));
  expect(feed.entries.map((entry) => entry.id)).toEqual(['30', '29']);
  feed.append({ items: [blank('11')], next: null });
  expect(feed.entries.map((entry) => entry.id)).toEqual(['30', '29', '11']);
});

test('counts what is not finished', () => {
  const feed = new Feed();
  feed.reset({ items: [blank('12'), { ...blank('11'), status: 'succeeded' }], next: null });
  expect(feed.unfinished).toBe(1);
  feed.put({ ...blank('12'), status: 'failed', version: 2 });
  expect(feed.unfinished).toBe(0);
});
