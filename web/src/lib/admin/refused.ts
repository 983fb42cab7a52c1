/** What is wrong with a field of a login, in words: the server names the field and a code, the rest is in what was typed. */
import type { Provider } from '#lib/api/admin_types.ts';
import { fieldRefused, Problem } from '#lib/api/http.ts';
import { said, t, type Key } from '#lib/i18n/index.svelte.ts';
import { sayProblem } from '#lib/i18n/problem.ts';

type Field = Pick<Provider['credential_fields'][number], 'name' | 'label' | 'required' | 'choices' | 'secret' | 'default'>;
type Why = 'empty' | 'address' | 'https' | 'private' | 'mask' | 'value';

const isAddress = (field: Pick<Field, 'name'>): boolean => field.name.endsWith('_url');

/** Whether an address names this machine or one of the operator's own network. */
export function isPrivateAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { hostname: host } = new URL(address);
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  if (host.startsWith('[')) return /^\[(::1?|f[cd]\w*:.*|fe[89ab]\w:.*)\]$/.test(host);
  return /^(0|10|127)\.\d+\.\d+\.\d+$|^169\.254\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\./.test(host);
}

/** Whether a new login of these fields could not be stored as it stands unless private hosts are allowed. */
export const beginsPrivate = (fields: readonly Pick<Field, 'name' | 'default'>[]): boolean =>
  fields.some((field) => isAddress(field) && isPrivateAddress(field.default ?? ''));

/** Why `value` is no good for `field`; 'value' where nothing here can tell. `privateHosts` is what the form's switch says. */
export function whyRefused(field: Omit<Field, 'label' | 'default'>, value: string, privateHosts: boolean): Why {
  const typed = value.trim();
  if (!typed) return field.required ? 'empty' : 'value';
  if (field.secret && typed.startsWith('•')) return 'mask';
  if (field.choices.length || !isAddress(field)) return 'value';
  if (!URL.canParse(typed)) return 'address';
  const { protocol, hostname, username, password, search, hash } = new URL(typed);
  if (!['https:', 'http:'].includes(protocol) || username || password || search || hash) return 'address';
  if (privateHosts) return 'address';
  if (protocol === 'http:') return 'https';
  // A name is refused only for being this machine's; of numbers the server knows more ranges than are listed here.
  return isPrivateAddress(typed) || /^[\d.]+$|^\[/.test(hostname) ? 'private' : 'address';
}

const words = (why: Why, field: string): string => t(`refused.${why}` satisfies Key, { field, switch: t('providers.private_hosts') });

/** The refusal as a sentence, with the field called what the form calls it. */
export const sayRefused = (field: Field, value: string, privateHosts: boolean): string => words(whyRefused(field, value, privateHosts), said(field.label));

/** A field of a form as it was sent: `label` is what the form calls it. */
type Asked = { name: string; label: string; required?: boolean; secret?: boolean };

/**
 * What is said beside one field of a form that was sent; null where it is not the one refused. Worded for what was
 * sent, so that typing on does not change what was said about it.
 */
export function sayBeside(error: unknown, sent: object | null, { name, label, required = true, secret = false }: Asked): string | null {
  if (!sent || fieldRefused(error) !== name) return null;
  if (!(error instanceof Problem) || !error.code.endsWith('.invalid_field')) return sayProblem(error);
  const typed = sent as Record<string, unknown>;
  return words(whyRefused({ name, required, choices: [], secret }, String(typed[name] ?? ''), typed.allow_private_hosts === true), label);
}
