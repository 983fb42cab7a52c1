/** What the library shows, as the address says it. Pure. */
export type Filters = { q: string; source: '' | 'made' | 'uploaded'; kind: '' | 'image' | 'video'; favourite: boolean; model: string };

export const none: Filters = { q: '', source: '', kind: '', favourite: false, model: '' };

export function readFilters(search: Pick<URLSearchParams, 'get'>): Filters {
  const source = search.get('source');
  const kind = search.get('kind');
  return {
    q: search.get('q') ?? '',
    source: source === 'made' || source === 'uploaded' ? source : '',
    kind: kind === 'image' || kind === 'video' ? kind : '',
    favourite: search.get('favourite') === 'true',
    model: search.get('model') ?? ''
  };
}

export function writeFilters(filters: Filters): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value) search.set(name, String(value));
  const text = search.toString();
  return text ? `?${text}` : '';
}

export const isFiltered = (filters: Filters): boolean => writeFilters(filters) !== '';

/** Words and models belong to generations; everything else can be asked of the assets themselves. */
export const asksGenerations = (filters: Filters): boolean => filters.q !== '' || filters.model !== '';
