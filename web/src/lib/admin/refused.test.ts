import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { language } from '#lib/i18n/index.svelte.ts';
import enAdmin from '#lib/i18n/en/admin.ts';
import zhAdmin from '#lib/i18n/zh/admin.ts';
import { fieldRefused, Problem } from '#lib/api/http.ts';
import { beginsPrivate, isPrivateAddress, sayBeside, sayRefused, whyRefused } from './refused';

const address = { name: 'base_url', label: { en: 'Address', zh: '地址' }, required: true, secret: false, choices: [], default: null };
const secret = { name: 'api_key', label: { en: 'API key', zh: 'API 密钥' }, required: true, secret: true, choices: [], default: null };

describe('a private address', () => {
  it.each(['http://127.0.0.1:8188', 'http://localhost:1', 'https://10.1.2.3', 'http://192.168.0.4/v1', 'http://172.20.0.2', 'http://[::1]:80', 'http://[fd00::1]'])('%s is one', (one) => {
    expect(isPrivateAddress(one)).toBe(true);
  });
  it.each(['https://api.example.com', 'http://172.32.0.1', 'http://8.8.8.8', 'https://10.example.com', 'nothing', ''])('%s is none', (one) => {
    expect(isPrivateAddress(one)).toBe(false);
  });
  it('as the default turns the switch on from the start, and only there', () => {
    expect(beginsPrivate([secret, { ...address, default: 'http://127.0.0.1:8188' }])).toBe(true);
    expect(beginsPrivate([secret, { ...address, default: 'https://api.example.com' }])).toBe(false);
    expect(beginsPrivate([{ ...secret, default: 'http://127.0.0.1' }, address])).toBe(false);
  });
});

describe('the reason of a refusal', () => {
  it('is read from what was typed', () => {
    expect(whyRefused(address, ' ', false)).toBe('empty');
    expect(whyRefused(address, 'api.example.com', false)).toBe('address');
    expect(whyRefused(address, 'https://me@example.com', false)).toBe('address');
    expect(whyRefused(address, 'https://example.com?a=1', true)).toBe('address');
    expect(whyRefused(address, 'http://example.com', false)).toBe('https');
    expect(whyRefused(address, 'https://10.0.0.1', false)).toBe('private');
    expect(whyRefused(address, 'https://100.64.0.1', false)).toBe('private');
    expect(whyRefused(address, 'https:example.com', false)).toBe('address');
    expect(whyRefused(secret, '••••1234', false)).toBe('mask');
    expect(whyRefused(secret, 'sandbox-key-not-secret', false)).toBe('value');
    expect(whyRefused({ ...address, choices: [{ value: 'a', label: { en: 'A', zh: '甲' } }] }, 'b', false)).toBe('value');
  });
});

describe('the sentence', () => {
  const before = { locale: language.locale, words: language.words };
  beforeAll(() => {
    language.locale = 'zh';
    language.words = zhAdmin;
  });
  afterAll(() => void Object.assign(language, before));
  it('is in the language of the form and calls the field what the form calls it', () => {
    const said = sayRefused(address, 'http://example.com', false);
    expect(said).toContain('地址');
    expect(said).toContain(zhAdmin['providers.private_hosts']);
    expect(said).not.toMatch(/base_url|\{/);
  });
  it('leaves nothing unfilled in English either', () => {
    Object.assign(language, { locale: 'en', words: enAdmin });
    for (const value of ['', 'x', 'http://example.com', 'https://10.0.0.1']) expect(sayRefused(address, value, false)).toMatch(/^[^{]*Address[^{]*$/);
  });
});

describe('what is said beside a field', () => {
  const before = { locale: language.locale, words: language.words };
  beforeAll(() => void Object.assign(language, { locale: 'en', words: enAdmin }));
  afterAll(() => void Object.assign(language, before));
  const invalid = new Problem(422, { code: 'sms.invalid_field', field: 'base_url', detail: 'base_url: is none' });
  const sent = { base_url: 'http://10.0.0.1', secret: '••••1234', allow_private_hosts: false };
  const asked = { name: 'base_url', label: 'Address' };

  it('stands at the field that the server named, and at no other', () => {
    expect(fieldRefused(invalid)).toBe('base_url');
    expect(fieldRefused(new Problem(422, { code: 'request.invalid', errors: [{ field: 'secret', code: 'a', message: 'b' }] }))).toBe('secret');
    expect(fieldRefused(new Problem(500, {}))).toBeNull();
    expect(sayBeside(invalid, sent, asked)).toContain('Address');
    expect(sayBeside(invalid, sent, { name: 'secret', label: 'Secret', secret: true })).toBeNull();
    expect(sayBeside(invalid, null, asked)).toBeNull();
    expect(sayBeside(null, sent, asked)).toBeNull();
  });
  it('is worded for what was sent', () => {
    expect(sayBeside(invalid, sent, asked)).toContain('https://');
    expect(sayBeside(invalid, { ...sent, allow_private_hosts: true, base_url: 'sms' }, asked)).toContain('whole web address');
    const secret = new Problem(422, { code: 'sms.invalid_field', field: 'secret' });
    expect(sayBeside(secret, sent, { name: 'secret', label: 'Secret', secret: true })).toContain('only the end');
    const empty = new Problem(422, { code: 'storage.invalid_field', field: 'root' });
    expect(sayBeside(empty, { root: '' }, { name: 'root', label: 'Prefix', required: false })).toBe('Prefix is not accepted like this.');
    expect(sayBeside(empty, { root: '' }, { name: 'root', label: 'Prefix' })).toBe('Prefix must not be empty.');
  });
  it('is what the code means where the refusal is of another kind', () => {
    const needed = new Problem(422, { code: 'sms.secret_required', field: 'secret', detail: 'Once more.' });
    expect(sayBeside(needed, sent, { name: 'secret', label: 'Secret', secret: true })).toBe('Once more.');
  });
});
