/** What differs between two states of a thing, name by name. Pure. */
export type Change = { name: string; before: string | null; after: string | null };

function parts(state: unknown): Record<string, unknown> {
  if (state === null || state === undefined) return {};
  return typeof state === 'object' && !Array.isArray(state) ? (state as Record<string, unknown>) : { '': state };
}

const text = (value: unknown): string | null =>
  value === undefined || value === null ? null : typeof value === 'object' ? JSON.stringify(value) : String(value);

export function changesOf(before: unknown, after: unknown): Change[] {
  const [old, now] = [parts(before), parts(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .map((name) => ({ name, before: text(old[name]), after: text(now[name]) }))
    .filter((change) => change.before !== change.after);
}
