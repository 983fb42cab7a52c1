import { redirect } from '@sveltejs/kit';
import { session } from '#lib/state/session.svelte.ts';

export async function load({ url, parent }): Promise<void> {
  await parent();
  if (!session.user) redirect(307, `/sign-in?next=${encodeURIComponent(url.pathname + url.search)}`);
}
