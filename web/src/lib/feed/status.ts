/** What the statuses mean to a person. Pure. */
import type { Generation, Status } from '#lib/api/types.ts';

const OVER: ReadonlySet<Status> = new Set(['succeeded', 'failed', 'canceled']);

/** Nothing more will happen to it by itself. */
export const isOver = (status: Status): boolean => OVER.has(status);

/** Somebody or something is still working on it, and it may be watched. */
export const isMoving = (status: Status): boolean => !OVER.has(status) && status !== 'uncertain';

/** What it has cost, or will if it succeeds: credits are taken for results alone. */
export const costOf = (view: Pick<Generation, 'status' | 'price_credits' | 'settled_credits'>): number =>
  view.settled_credits ?? (isOver(view.status) ? 0 : view.price_credits);

/**
 * How far a running generation probably is, from 0 to 1, when the vendor does not say: half-way at the
 * typical time, and ever slower after it, so that it never claims to be done.
 */
export function estimateDone(view: Generation, nowMs: number): number {
  const since = new Date(view.submitted_at ?? view.created_at).getTime();
  const elapsed = Math.max(0, (nowMs - since) / 1000);
  const typical = Math.max(1, view.typical_seconds);
  return Math.min(0.97, elapsed / (elapsed + typical * 0.6));
}

/** Width over height of the pictures that will come, before they come. */
export function aspectOf(view: Generation): number {
  const first = view.assets[0];
  if (first?.width && first.height) return first.width / first.height;
  return view.aspect && view.aspect > 0 ? view.aspect : 1;
}
