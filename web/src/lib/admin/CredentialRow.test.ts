import { beforeEach, expect, test } from 'vitest';
import { render } from 'svelte/server';
import type { Credential, Provider } from '#lib/api/admin_types.ts';
import enAdmin from '#lib/i18n/en/admin.ts';
import en from '#lib/i18n/en/index.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import CredentialRow from './CredentialRow.svelte';

beforeEach(() => void (language.words = { ...en, ...enAdmin }));

test('every value of a login stands beside its label', () => {
  const now = new Date().toISOString();
  const provider = { credential_fields: [{ name: 'key', label: { en: 'API key', zh: '密钥' } }, { name: 'region', label: { en: 'Region', zh: '地区' } }] } as unknown as Provider;
  const credential = {
    id: '1', name: 'Main', enabled: true, managed_by: null, weight: 3, max_concurrent: 10, in_flight: 2, fields: { key: '••••1234', region: '' },
    health: { state: 'up', since: now, cooldown_until: null, last_error: null }, balance: { amount: '12.50', unit: 'USD', at: now }
  } as unknown as Credential;
  const { body } = render(CredentialRow, { props: { credential, provider, weights: 4, onedit: () => undefined, onchanged: () => undefined } });
  const facts = [...body.matchAll(/<dt[^>]*>(.*?)<\/dt>\s*<dd[^>]*>(.*?)<\/dd>/gs)].map(([, label, value]) => [label, value!.replace(/<!--.*?-->|<[^>]*>/g, '').trim()]);
  expect(facts).toEqual([
    ['Jobs now', '2 of 10'],
    ['Weight', '3 75 % of the work'],
    ['Balance', '12.50 USD now'],
    ['API key', '••••1234']
  ]);
  expect(body).toContain('since now');
});
