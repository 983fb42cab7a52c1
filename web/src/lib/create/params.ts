/** The parameters of a model, understood from its declaration alone. Pure: no model is known here by name. */
import type { InputRef, InputSlot, Model, Param, Params, ParamValue } from '#lib/api/types.ts';

type Size = { width: number; height: number };
export const isSize = (value: unknown): value is Size =>
  typeof value === 'object' && value !== null && 'width' in value && 'height' in value;

function clamp(value: number, param: Param): number {
  const low = param.minimum ?? -Infinity;
  const high = param.maximum ?? Infinity;
  return Math.min(high, Math.max(low, value));
}

function fitNumber(param: Param, value: number): number {
  let fitted = clamp(value, param);
  const step = param.step ?? (param.type === 'integer' ? 1 : null);
  if (step && step > 0) {
    const base = param.minimum ?? 0;
    const steps = Math.round((fitted - base) / step);
    fitted = clamp(Number((base + steps * step).toFixed(6)), param);
  }
  return param.type === 'integer' ? Math.round(fitted) : fitted;
}

/** The nearest value this parameter understands, or undefined where it understands nothing of the kind. */
export function accept(param: Param, value: ParamValue | undefined): ParamValue | undefined {
  if (value === undefined) return undefined;
  if (value === null) return param.default === null ? null : undefined;
  if (param.choices?.length) {
    return param.choices.find((choice) => choice.value === value)?.value ?? undefined;
  }
  switch (param.type) {
    case 'integer':
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? fitNumber(param, value) : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'string':
      return typeof value === 'string' ? value.slice(0, param.max_length ?? undefined) : undefined;
    case 'size':
      return isSize(value) ? { width: fitNumber(param, value.width), height: fitNumber(param, value.height) } : undefined;
    case 'choice':
      return typeof value === 'string' || typeof value === 'number' ? value : undefined;
  }
}

/** Whether a value is none of the choices, but may be given all the same: the schema has a pattern for such. */
export function isFreeChoice(model: Model, name: string, value: ParamValue | undefined): value is string {
  const schema = model.params_schema as { properties?: Record<string, { anyOf?: { pattern?: string }[] }> } | undefined;
  if (typeof value !== 'string') return false;
  return (schema?.properties?.[name]?.anyOf ?? []).some(({ pattern }) => pattern !== undefined && new RegExp(pattern).test(value));
}

/**
 * What the form shows: for each parameter the wish where the model understands it, else its default.
 * Wishes are kept by name across models, so that going back to a model finds them again.
 */
export function fit(model: Model, wishes: Params): Params {
  const fitted: Params = {};
  for (const param of model.params) {
    const wish = wishes[param.name];
    fitted[param.name] = accept(param, wish) ?? (isFreeChoice(model, param.name, wish) ? wish : param.default);
  }
  return fitted;
}

/** What is sent: parameters without a value (a random seed) are left out. */
export function toSend(params: Params): Params {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null && value !== ''));
}

/** Parameters that differ from what the model would do by itself, for a caption. */
export function told(model: Model | undefined, params: Params): [Param, ParamValue][] {
  if (!model) return [];
  return model.params
    .filter((param) => params[param.name] !== undefined && params[param.name] !== null)
    // What goes on from something is told by a name of the provider's that says nothing to people.
    .filter((param) => model.continues !== 'always' || param.type !== 'string')
    .filter((param) => JSON.stringify(params[param.name]) !== JSON.stringify(param.default) || param.control === 'ratio')
    .map((param) => [param, params[param.name]!]);
}

export type Reference<A = unknown> = { key: string; asset_id: string | null; role: string; weight?: number | null; asset?: A };

/** Whether a slot takes this type of file; of a file whose type is not known yet, it is hoped. */
export const takes = (slot: InputSlot, contentType: string): boolean => !contentType || slot.content_types.includes(contentType);

/** The first slot that takes this type of file and still has room; the first that takes it if none has; else null. */
export function roleFor(slots: InputSlot[], taken: { role: string }[], contentType: string): string | null {
  const fitting = slots.filter((slot) => takes(slot, contentType));
  const free = fitting.find((slot) => taken.filter((one) => one.role === slot.role).length < slot.maximum);
  return (free ?? fitting[0])?.role ?? null;
}

/** Gives each reference a role the model knows; references a model cannot take stay without one, and are not sent. */
export function assignRoles<R extends { role: string }>(model: Model, references: R[], typeOf: (one: R) => string): R[] {
  const assigned: R[] = [];
  for (const reference of references) {
    const type = typeOf(reference);
    const slot = model.inputs.find((one) => one.role === reference.role && takes(one, type));
    const taken = assigned.filter((one) => one.role === reference.role).length;
    if (slot && taken < slot.maximum) assigned.push(reference);
    else assigned.push({ ...reference, role: roleFor(model.inputs, assigned, type) ?? '' });
  }
  return assigned;
}

/** The references that go with the request, in order, never more of a role than the model takes. */
export function inputsToSend(model: Model, references: Reference[]): InputRef[] {
  const sent: InputRef[] = [];
  for (const { asset_id, role, weight } of references) {
    const slot = model.inputs.find((one) => one.role === role);
    if (!slot || !asset_id || sent.filter((one) => one.role === role).length >= slot.maximum) continue;
    sent.push(weight === undefined || weight === null ? { role, asset_id } : { role, asset_id, weight });
  }
  return sent;
}

export type Gap = { kind: 'prompt' } | { kind: 'prompt_long'; limit: number } | { kind: 'input'; slot: InputSlot } | { kind: 'origin'; slot: InputSlot | null } | { kind: 'uploading' };

/**
 * What still has to be given before this can be asked for, or null. `goesOn` says that something is there for the
 * model to go on from; one that may go on from something needs that, or a file in its place.
 */
export function gapOf(model: Model, prompt: string, references: Reference[], goesOn = false): Gap | null {
  const text = prompt.trim();
  if (model.prompt?.required && !text) return { kind: 'prompt' };
  if (model.prompt && [...text].length > model.prompt.max_chars) return { kind: 'prompt_long', limit: model.prompt.max_chars };
  if (references.some((one) => one.asset_id === null && model.inputs.some((slot) => slot.role === one.role))) return { kind: 'uploading' };
  const sent = inputsToSend(model, references);
  const inplace = model.inputs.find((one) => one.minimum === 0) ?? null;
  if (model.continues === 'always' && !goesOn) return { kind: 'origin', slot: null };
  if (model.continues === 'maybe' && !goesOn && inplace && !sent.some((input) => input.role === inplace.role)) return { kind: 'origin', slot: inplace };
  const slot = model.inputs.find((one) => sent.filter((input) => input.role === one.role).length < one.minimum);
  return slot ? { kind: 'input', slot } : null;
}

/** Width over height that a choice or size stands for, for drawing it as a rectangle. */
export function aspectOfValue(param: Param, value: ParamValue): number | null {
  if (isSize(value)) return value.height > 0 ? value.width / value.height : null;
  const aspect = param.choices?.find((choice) => choice.value === value)?.aspect;
  if (aspect) return aspect;
  const ratio = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*[:x×]\s*(\d+(?:\.\d+)?)$/.exec(value) : null;
  return ratio && Number(ratio[2]) > 0 ? Number(ratio[1]) / Number(ratio[2]) : null;
}
