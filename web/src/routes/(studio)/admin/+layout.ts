import { error } from '@sveltejs/kit';
import { language } from '#lib/i18n/index.svelte.ts';
import { session } from '#lib/state/session.svelte.ts';

export async function load({ parent }): Promise<void> {
  await parent();
  // The server refuses as well; this only spares a stranger the sight of empty tables.
  if (session.user?.role !== 'admin') error(404);
  await language.speakOfAdmin();
}
