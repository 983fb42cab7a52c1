/** What is done with a declared entry while it is made: parameters drawn, shown, hidden; a name made an id. Pure. */
import type { DeclaredParam, Entry, Proposal } from '#lib/api/admin_types.ts';
import type { Param, ParamControl } from '#lib/api/types.ts';

export const OWN = 'own-';
export const ID_CHARS_MAX = 64;
/** The largest whole number that the server and this app surely read alike. */
const WHOLE_MAX = 2 ** 53;

/** Whether the server would take it as the id of a model of the house's own. */
export const isId = (id: string): boolean => /^own-[a-z0-9.-]+$/.test(id) && id.length <= ID_CHARS_MAX;

/** The id a model gets from its English name; the server demands the beginning. */
export function idFrom(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
  return `${OWN}${words || 'model'}`.slice(0, ID_CHARS_MAX).replace(/[-.]+$/, '');
}

function usualControl(param: DeclaredParam): ParamControl {
  switch (param.type) {
    case 'integer':
    case 'number':
      return 'slider';
    case 'boolean':
      return 'switch';
    case 'size':
      return 'size';
    case 'choice':
      return param.choices?.every((choice) => choice.aspect) ? 'ratio' : (param.choices?.length ?? 0) <= 4 ? 'segmented' : 'select';
    default:
      return 'text';
  }
}

/** A declared parameter as the controls draw it. */
export function drawn(param: DeclaredParam): Param {
  return {
    ...param,
    help: null,
    default: param.default ?? null,
    choices: param.choices?.map((choice) => ({ value: choice.value, label: choice.label, aspect: choice.aspect ?? null })) ?? null,
    control: param.control ?? usualControl(param),
    advanced: param.advanced ?? false,
    optional: param.optional ?? false
  } as Param;
}

export type Row = { param: DeclaredParam; shown: boolean };

/** Everything that could be set, in the order of the proposal: what people are shown, and what they are not. */
export function rowsOf(entry: Entry, proposal: Proposal | null): Row[] {
  const shown = new Map(entry.params.map((param) => [param.name, param]));
  const known = [...(proposal?.entry?.params ?? []), ...(proposal?.spare ?? [])];
  const rows = known.map((param) => ({ param: shown.get(param.name) ?? param, shown: shown.has(param.name) }));
  const names = new Set(known.map((param) => param.name));
  // What the document no longer knows stays visible, so that it can be taken away.
  return [...entry.params.filter((param) => !names.has(param.name)).map((param) => ({ param, shown: true })), ...rows];
}

/** The entry with this parameter shown to people, or not; how many results there are follows. */
export function withShown(entry: Entry, row: Row, proposal: Proposal | null): Entry {
  if (row.shown) {
    const params = entry.params.filter((param) => param.name !== row.param.name);
    const counted = entry.outputs_param === row.param.name;
    const outputs = counted && typeof row.param.default === 'number' ? row.param.default : entry.outputs;
    return { ...entry, params, outputs, outputs_param: counted ? null : entry.outputs_param };
  }
  const order = rowsOf(entry, proposal).map((each) => each.param.name);
  const params = [...entry.params, row.param].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const counts = proposal?.entry?.outputs_param === row.param.name;
  return { ...entry, params, outputs_param: counts ? row.param.name : entry.outputs_param };
}

/** The entry with one parameter changed. */
export function withParam(entry: Entry, name: string, change: Partial<DeclaredParam>): Entry {
  return { ...entry, params: entry.params.map((param) => (param.name === name ? { ...param, ...change } : param)) };
}

/** A file may hold a whole entry, exported here or elsewhere, instead of a document of the provider's. */
export const isEntry = (read: object): boolean =>
  ['id', 'provider', 'endpoint', 'makes', 'name', 'price', 'options'].every((name) => name in read);

/** An exported entry, with what an export leaves out because it is as usual. */
export function entryOf(read: object): Entry {
  const usual = { params: [], inputs: [], aliases: [], follow_ups: [], outputs: 1, outputs_param: null, prompt: null, visibility: 'everyone', enabled: true };
  return { ...usual, ...read } as unknown as Entry;
}

export class NotADocument extends Error {}

/** The document in a file: JSON of a table, of at most `limit` bytes. Seeds beyond exact numbers are brought within. */
export async function readDocument(file: File, limit: number): Promise<Record<string, never>> {
  if (file.size > limit) throw new NotADocument('large');
  let read: unknown;
  try {
    read = JSON.parse(await file.text(), (_, value: unknown) =>
      typeof value === 'number' && Number.isInteger(value) && Math.abs(value) > WHOLE_MAX ? value % WHOLE_MAX : value
    );
  } catch {
    throw new NotADocument('json');
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) throw new NotADocument('json');
  return read as Record<string, never>;
}

/** What a file is called without its ending: a first name for the model. */
export const nameOfFile = (file: File): string => file.name.replace(/\.[^.]+$/, '').replace(/[_-]+/g, ' ').trim();
