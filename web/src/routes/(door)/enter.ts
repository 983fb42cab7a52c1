/** What happens once the door has opened. */
import { goto } from '$app/navigation';
import { session } from '#lib/state/session.svelte.ts';

/** Only a path of this house is followed, never an address that somebody put into the link. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/create';
}

export async function enter(next: string | null): Promise<void> {
  await session.refresh();
  await goto(safeNext(next), { replace: true });
}
