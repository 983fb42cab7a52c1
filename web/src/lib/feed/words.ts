/** The words for statuses and parameter values. */
import type { Generation, Model, Params, ParamValue } from '#lib/api/types.ts';
import { isSize } from '#lib/create/params.ts';
import { language, said, t, type Key } from '#lib/i18n/index.svelte.ts';

/** What a generation is called: by its words, or by its model where it took none. */
export const titleOf = (view: Pick<Generation, 'prompt' | 'model' | 'model_name'>): string => view.prompt.trim() || said(view.model_name) || view.model;

export function sayStatus(status: string): string {
  const key = `status.${status}`;
  return language.knows(key) ? t(key as Key) : status;
}

/** Why credits moved: a code of ours in words, or the words an admin wrote. */
export function sayReason(reason: string): string {
  for (const key of [`reason.${reason}`, `error.${reason}`]) if (language.knows(key)) return t(key as Key);
  return reason;
}

/** The words a model made, if words are what it makes. */
export function textsOf(view: Generation): string[] {
  const texts = view.facts?.texts;
  return Array.isArray(texts) ? texts.filter((text): text is string => typeof text === 'string' && text !== '') : [];
}

/** How one try ended: a code and, for what the catalogue does not know, the server's own words. */
export function sayOutcome(outcome: Record<string, unknown> | null): string {
  if (!outcome) return t('g.attempt_going');
  const code = String(outcome.code ?? '');
  if (code === 'succeeded') return t('status.succeeded');
  const key = `error.${code}`;
  if (language.knows(key)) return t(key as Key);
  return typeof outcome.detail === 'string' ? outcome.detail : code;
}

/** Codes whose sentence says less than the server's own words about this one case. */
const SAYS_MORE = /^(provider\.(rejected|broke|not_installed|misconfigured)|output\.|storage\.)/;

/** What the server told beside the code, in English, where that says more than `said` does. */
export function tellingDetail(outcome: { code?: unknown; detail?: unknown }, said: string): string | null {
  const { code, detail } = outcome;
  return typeof detail === 'string' && detail !== '' && detail !== said && SAYS_MORE.test(String(code)) ? detail : null;
}

/** What stands below the sentence of a try that failed: what the server told, and the provider's own words. Text, never markup. */
export function reasonsOf(outcome: Record<string, unknown> | null): { detail: string | null; vendor: string | null } {
  const vendor = outcome?.vendor_message;
  return { detail: outcome && tellingDetail(outcome, sayOutcome(outcome)), vendor: typeof vendor === 'string' && vendor !== '' ? vendor : null };
}

/** Every parameter that was sent, with its label and value in words; unknown ones by their own names. */
export function sayParams(model: Model | undefined, params: Params): { name: string; label: string; value: string }[] {
  return Object.entries(params)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => {
      const param = model?.params.find((one) => one.name === name);
      const choice = param?.choices?.find((one) => one.value === value);
      return { name, label: param ? said(param.label) : name, value: choice ? said(choice.label) : sayValue(value) };
    });
}

function sayValue(value: ParamValue): string {
  if (isSize(value)) return `${value.width} × ${value.height}`;
  if (typeof value === 'boolean') return t(value ? 'ui.on' : 'ui.off');
  return String(value);
}
