/** Groups the stream by the calendar day of the person looking at it. Pure. */
import type { Entry } from '#lib/state/feed.svelte.ts';
import { dayKey } from '#lib/i18n/format.ts';

export type Day = { key: string; iso: string; entries: Entry[] };

export function byDay(entries: readonly Entry[]): Day[] {
  const days: Day[] = [];
  for (const entry of entries) {
    const iso = entry.view.created_at;
    const key = dayKey(iso);
    const last = days.at(-1);
    if (last?.key === key) last.entries.push(entry);
    else days.push({ key, iso, entries: [entry] });
  }
  return days;
}

/** 'today' and 'yesterday' have names; other days are dates. */
export function dayName(iso: string, now: Date = new Date()): 'today' | 'yesterday' | null {
  const key = dayKey(iso);
  if (key === dayKey(now.toISOString())) return 'today';
  const before = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1, 12);
  return key === dayKey(before.toISOString()) ? 'yesterday' : null;
}
