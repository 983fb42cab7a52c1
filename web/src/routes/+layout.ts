/** The app is a set of static files: nothing is rendered on a server, and nothing ahead of time. */
import { session } from '#lib/state/session.svelte.ts';

export const ssr = false;
export const prerender = false;

let begun: Promise<void> | null = null;

export async function load(): Promise<void> {
  begun ??= session.begin();
  try {
    await begun;
  } catch (error) {
    begun = null;
    throw error;
  }
}
