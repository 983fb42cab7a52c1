/** What the viewer shows: one asset out of a list that belongs to the page beneath and may grow. */
import { goto } from '$app/navigation';
import { page } from '$app/state';
import type { Asset } from '#lib/api/types.ts';

export type ViewerList = { assets: () => Asset[]; more?: () => Promise<void> };

class Viewer {
  id = $state<string | null>(null);
  #list = $state.raw<ViewerList>({ assets: () => [] });

  assets: Asset[] = $derived(this.id === null ? [] : this.#list.assets());
  index = $derived(this.assets.findIndex((asset) => asset.id === this.id));
  current: Asset | null = $derived(this.assets[this.index] ?? null);

  /** Opens over the page; the browser's back button closes it. */
  show(id: string, list: ViewerList): void {
    this.#list = list;
    this.id = id;
    void goto('', { shallow: true, state: { viewing: true } });
  }

  go(step: number): void {
    const next = this.assets[this.index + step];
    if (next) this.id = next.id;
    if (this.index > this.assets.length - 5) void this.#list.more?.();
  }

  /** After a deletion: the neighbour, or the page beneath when none is left. */
  leave(id: string): void {
    if (this.id !== id) return;
    const neighbour = this.assets[this.index + 1] ?? this.assets[this.index - 1];
    if (neighbour) this.id = neighbour.id;
    else this.close();
  }

  close(): void {
    if (this.id === null) return;
    this.id = null;
    if (page.state.viewing) history.back();
  }

  /** The person went back: the history already did its part. */
  closed(): void {
    this.id = null;
  }
}

export const viewer = new Viewer();
