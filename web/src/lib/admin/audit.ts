/** What an entry of the audit says to a person: what was done, to what, and where that can be seen. */
import type { AuditEntry } from '#lib/api/admin_types.ts';
import { sayStatus } from '#lib/feed/words.ts';
import { language, list, moment, said, t, type Key } from '#lib/i18n/index.svelte.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { changesOf } from './changes';

export type Thing = { name: string; note: string; href: string | null };

/** What was done; an action the catalogue has no words for yet keeps its own name. */
export function sayAction(action: string): string {
  const key = `audit.do.${action}`;
  return language.knows(key) ? t(key as Key) : action;
}

/** The pages where things of a kind are kept. */
const PAGES: Record<string, { href: string; title: Key }> = {
  choices: { href: '/admin/choices', title: 'admin.choices' },
  'choices:sms': { href: '/admin/sms', title: 'admin.sms' },
  redemption_code: { href: '/admin/codes', title: 'admin.codes' },
  redemption_codes: { href: '/admin/codes', title: 'admin.codes' },
  redemption_batch: { href: '/admin/codes', title: 'admin.codes' },
  package: { href: '/admin/payments', title: 'admin.payments' },
  payment_gateway: { href: '/admin/payments', title: 'admin.payments' },
  storage: { href: '/admin/storage', title: 'admin.storage' },
  storage_place: { href: '/admin/storage', title: 'admin.storage' },
  file_move: { href: '/admin/storage', title: 'admin.storage' }
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What it was done to: a name, what tells it from others of that name, and where it can be opened. */
export function thingOf(entry: AuditEntry): Thing {
  const [kind = '', id = ''] = entry.target.split(':');
  const state = { ...entry.before, ...entry.after };
  const gone = entry.after === null;
  if (kind === 'user' && entry.target_name !== null) {
    const contact = entry.target_email ?? '';
    return { name: entry.target_name || contact, note: contact, href: `/admin/users?q=${encodeURIComponent(contact || entry.target_name)}` };
  }
  if (kind === 'model') {
    const own = id.startsWith('own-');
    return { name: said(studio.modelOf(id)?.name) || text(state.name) || id, note: id, href: gone ? null : own ? `/admin/models/${id}` : '/admin/models' };
  }
  if (kind === 'credential') {
    const provider = text(state.provider);
    const title = studio.models.find((model) => model.provider === provider)?.provider_title ?? provider;
    return { name: text(state.name) || shortOf(id), note: title, href: provider ? `/admin/providers#${provider}` : null };
  }
  // What there is only one of is named by the page where it is kept.
  const page = PAGES[entry.target] ?? PAGES[kind];
  if (kind === 'choices' || kind === 'storage') return { name: page ? t(page.title) : '', note: '', href: page?.href ?? null };
  const key = `audit.thing.${kind}`;
  return { name: language.knows(key) ? t(key as Key) : kind.replaceAll('_', ' '), note: text(state.name) || shortOf(id), href: page?.href ?? null };
}

/** The end of an id: enough to tell one from another, and to find it by. */
const shortOf = (id: string): string => (id.length > 12 ? `…${id.slice(-8)}` : id);

/** Members that the admin's pages have a label for already. */
const LABELS: Record<string, Key> = {
  name: 'providers.name', weight: 'providers.weight', max_concurrent: 'providers.max_concurrent', allow_private_hosts: 'providers.private_hosts',
  enabled: 'providers.enabled', visibility: 'models.visibility', base_credits: 'models.base_credits', per_output_credits: 'models.per_output_credits',
  amount_credits: 'payments.amount', reason: 'users.reason', note: 'review.note', sign_up_open: 'choices.sign_up', welcome_credits: 'choices.welcome',
  studio_name: 'choices.name', default_locale: 'choices.locale', disabled: 'users.disabled', email: 'door.email', id: 'making.id',
  'title.en': 'payments.title_en', 'title.zh': 'payments.title_zh', price_minor: 'payments.price', position: 'payments.position', pid: 'payments.pid',
  methods: 'payments.methods', flow: 'payments.flow', login_by: 'sms.login_by', daily_total: 'sms.daily_total', count: 'codes.count', state: 'codes.state',
  batch_id: 'codes.batch', bucket: 'storage.bucket', region: 'storage.region', endpoint_url: 'storage.endpoint_url', root: 'storage.root',
  access_key: 'storage.access_key', secret_key: 'storage.secret_key'
};
/** Fingerprints say nothing to people. */
const UNTOLD = new Set(['digest']);

function labelOf(member: string): string {
  const last = member.split('.').at(-1) ?? member;
  if (member.startsWith('service_defaults.')) return t('audit.member.service_defaults', { name: member.slice('service_defaults.'.length) });
  const key = LABELS[member] ?? LABELS[last] ?? `audit.member.${last}`;
  return language.knows(key) ? t(key as Key) : last.replaceAll('_', ' ');
}

/** Values that are words of ours, member by member. */
const VALUES: Record<string, Key> = {
  'kind.local': 'storage.folder', 'kind.cos': 'storage.title.cos', 'kind.oss': 'storage.title.oss', 'kind.obs': 'storage.title.obs',
  'kind.s3': 'storage.title.s3', 'flow.page': 'payments.flow_page', 'flow.api': 'payments.flow_api', 'countries.mainland': 'sms.mainland',
  'countries.all': 'sms.all_countries', 'login_by.password': 'door.password', 'managed_by.sandbox': 'providers.sandbox',
  'state.enabled': 'codes.enabled', 'state.used': 'codes.used', 'state.disabled': 'codes.disabled', 'state.expired': 'codes.expired',
  'methods.alipay': 'buy.alipay', 'methods.wxpay': 'buy.wxpay', 'methods.qqpay': 'buy.qqpay'
};
/** Values that are called the same in every language. */
const NAMES: Record<string, string> = { 'login_by.api_key': 'ApiKey', 'default_locale.en': 'English', 'default_locale.zh': '中文' };
const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;
/** What a move names as its target when files go to the studio's own folder. */
const FOLDER = '00000000-0000-0000-0000-000000000000';

function named(member: string, value: string): string {
  const words = VALUES[`${member}.${value}`];
  return words ? t(words) : (NAMES[`${member}.${value}`] ?? value);
}

function sayValue(member: string, value: string | null): string | null {
  if (value === null || value === '') return null;
  if (value === 'true' || value === 'false') return t(value === 'true' ? 'ui.on' : 'ui.off');
  if (member === 'status') return sayStatus(value);
  if (member === 'role') return t(value === 'admin' ? 'users.admin' : 'audit.role_user');
  if (member === 'visibility') return t(value === 'admins' ? 'models.admins' : 'models.everyone');
  if (member === 'target') return value === FOLDER ? t('storage.folder') : shortOf(value);
  // Prices are kept in the currency's smallest unit.
  if (member === 'price_minor') return (Number(value) / 100).toFixed(2);
  if (MOMENT.test(value)) return moment(value);
  if (member === 'methods') return list(value.split(', ').map((one) => named(member, one)));
  return named(member, value);
}

export type Told = { name: string; label: string; before: string | null; after: string | null };

/** What is different now, member by member, in words. */
export const toldChanges = (entry: Pick<AuditEntry, 'before' | 'after'>): Told[] =>
  changesOf(entry.before, entry.after)
    .filter(({ name }) => !UNTOLD.has(name))
    .map(({ name, before, after }) => ({ name, label: labelOf(name), before: sayValue(name, before), after: sayValue(name, after) }))
    .filter(({ before, after }) => before !== null || after !== null);
