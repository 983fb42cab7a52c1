/** What providers are called. Pure. */
import type { Provider } from '#lib/api/admin_types.ts';

/** Finds a provider's title by its name; one that is not known, or has no title, keeps its name. */
export function titlesOf(providers: readonly Pick<Provider, 'provider' | 'title'>[]): (name: string) => string {
  const titles = new Map(providers.map((one) => [one.provider, one.title]));
  return (name) => titles.get(name) || name;
}
