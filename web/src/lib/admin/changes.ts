/** What differs between two states of a thing, name by name; what lies inside another is named `outer.inner`. Pure. */
export type Change = { name: string; before: string | null; after: string | null };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function parts(state: unknown, within = ''): Record<string, unknown> {
  if (state === null || state === undefined) return {};
  if (!isRecord(state)) return { [within]: state };
  return Object.assign({}, ...Object.entries(state).map(([name, value]) => (isRecord(value) ? parts(value, within + name + '.') : { [within + name]: value })));
}

const text = (value: unknown): string | null =>
  value === undefined || value === null ? null : Array.isArray(value) ? value.map(String).join(', ') : String(value);

export function changesOf(before: unknown, after: unknown): Change[] {
  const [old, now] = [parts(before), parts(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .map((name) => ({ name, before: text(old[name]), after: text(now[name]) }))
    .filter((change) => change.before !== change.after);
}
