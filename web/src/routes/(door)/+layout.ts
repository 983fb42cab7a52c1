import { redirect } from '@sveltejs/kit';
import { session } from '#lib/state/session.svelte.ts';
import { safeNext } from './enter';

export async function load({ url, parent }): Promise<void> {
  await parent();
  // Who is in already has no business at the door, except with the link that makes the first admin.
  if (session.user && url.pathname !== '/first-admin') redirect(307, safeNext(url.searchParams.get('next')));
}
