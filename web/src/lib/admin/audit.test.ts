import { beforeEach, expect, test } from 'vitest';
import type { AuditEntry } from '#lib/api/admin_types.ts';
import type { Model } from '#lib/api/types.ts';
import enAdmin from '#lib/i18n/en/admin.ts';
import en from '#lib/i18n/en/index.ts';
import zhAdmin from '#lib/i18n/zh/admin.ts';
import zh from '#lib/i18n/zh/index.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import { sayAction, thingOf, toldChanges } from './audit';

const entry = (target: string, change: Partial<AuditEntry> = {}): AuditEntry =>
  ({ target, before: {}, after: {}, target_name: null, target_email: null, ...change }) as AuditEntry;

beforeEach(() => {
  language.words = { ...en, ...enAdmin };
  language.locale = 'en';
  studio.models = [{ id: 'heron-1', aliases: [], name: { en: 'Heron One', zh: '苍鹭一号' }, provider: 'heron', provider_title: 'Heron' }] as unknown as Model[];
});

test('what was done is said in both languages, and what has no words yet keeps its name', () => {
  expect(sayAction('user.change')).toBe('Changed a person');
  language.words = { ...zh, ...zhAdmin };
  expect(sayAction('user.change')).toBe('修改了成员');
  expect(sayAction('kite.fly')).toBe('kite.fly');
});

test('a person is named and found by what they sign in with', () => {
  expect(thingOf(entry('user:0190-a', { target_name: 'Mei Lin', target_email: 'mei+1@example.org' }))).toEqual({
    name: 'Mei Lin', note: 'mei+1@example.org', href: '/admin/users?q=mei%2B1%40example.org'
  });
});

test('models, credentials and choices are named and open where they are kept', () => {
  expect(thingOf(entry('model:heron-1'))).toEqual({ name: 'Heron One', note: 'heron-1', href: '/admin/models' });
  expect(thingOf(entry('model:own-kite', { before: { name: 'Kite' }, after: null }))).toEqual({ name: 'Kite', note: 'own-kite', href: null });
  expect(thingOf(entry('credential:x', { after: { name: 'Main', provider: 'heron' } }))).toEqual({ name: 'Main', note: 'Heron', href: '/admin/providers#heron' });
  expect(thingOf(entry('choices'))).toEqual({ name: 'Choices', note: '', href: '/admin/choices' });
  expect(thingOf(entry('storage'))).toEqual({ name: 'Storage', note: '', href: '/admin/storage' });
  expect(thingOf(entry('choices:sms')).href).toBe('/admin/sms');
  expect(thingOf(entry('redemption_code:01900000-0000-7000-8000-0000deadbeef'))).toEqual({ name: 'Redemption code', note: '…deadbeef', href: '/admin/codes' });
});

test('what has no name is called by what it is and the end of its id', () => {
  expect(thingOf(entry('generation:01900000-0000-7000-8000-0000deadbeef'))).toEqual({ name: 'Generation', note: '…deadbeef', href: null });
});

test('changes are told with labels and words, also of what lies inside', () => {
  const told = toldChanges({
    before: { role: 'user', enabled: true, fields: { key: '••••1234', base_url: 'https://a', region: '' }, digest: 'a' },
    after: { role: 'admin', enabled: false, fields: { key: '••••9876', base_url: 'https://a' }, digest: 'b' }
  });
  expect(told.map(({ label, before, after }) => [label, before, after])).toEqual([
    ['Role', 'person', 'admin'],
    ['In use', 'on', 'off'],
    ['Key', '••••1234', '••••9876']
  ]);
});

test('members of packages and places are told in words, in both languages', () => {
  const added = {
    before: null,
    after: { title: { en: 'Starter', zh: '入门' }, price_minor: 650, currency: 'CNY', position: 1, kind: 'cos', endpoint_url: 'https://a', root: 'b', access_key: 'k' }
  };
  const said = () => toldChanges(added).map(({ label, after }) => [label, after]);
  expect(said().slice(0, 3)).toEqual([['English title', 'Starter'], ['Chinese title', '入门'], ['Price in yuan', '6.50']]);
  language.words = { ...zh, ...zhAdmin };
  expect(said().map(([label]) => label)).toEqual(['英文名称', '中文名称', '价格（元）', '货币', '排序', '类型', '访问地址', '路径前缀', '访问密钥 ID']);
  expect(said()[5]).toEqual(['类型', '腾讯云 COS']);
});

test('a move says where to, and the studio has a folder of its own', () => {
  const move = (target: string) => toldChanges({ before: null, after: { target } }).map(({ label, after }) => [label, after]);
  expect(move('00000000-0000-0000-0000-000000000000')).toEqual([['To', "The studio's own folder"]]);
  expect(move('01900000-0000-7000-8000-0000deadbeef')).toEqual([['To', '…deadbeef']]);
});

test('ways to pay, ways to sign in and moments are told in words, in both languages', () => {
  const changed = {
    before: { methods: ['alipay', 'wxpay', 'qqpay'], login_by: 'api_key', expires_at: null, managed_by: 'sandbox', default_locale: 'en', state: 'enabled' },
    after: { methods: ['wxpay'], login_by: 'password', expires_at: '2026-12-24T23:59:59+00:00', managed_by: null, default_locale: 'zh', state: 'disabled' }
  };
  const said = () => Object.fromEntries(toldChanges(changed).map(({ name, before, after }) => [name, [before, after]]));
  const english = said();
  expect(english.methods).toEqual(['Alipay, WeChat Pay, and QQ Wallet', 'WeChat Pay']);
  expect(english.login_by).toEqual(['ApiKey', 'Password']);
  expect(english.expires_at).toEqual([null, expect.stringMatching(/Dec/)]);
  expect(english.managed_by).toEqual(['sandbox', null]);
  expect(english.default_locale).toEqual(['English', '中文']);
  expect(english.state).toEqual(['Unused', 'Off']);
  Object.assign(language, { words: { ...zh, ...zhAdmin }, locale: 'zh' });
  const chinese = said();
  expect(chinese.methods).toEqual(['支付宝、微信支付和QQ 钱包', '微信支付']);
  expect(chinese.login_by).toEqual(['ApiKey', '密码']);
  expect(chinese.expires_at).toEqual([null, expect.stringMatching(/月/)]);
  expect(chinese.state).toEqual(['未使用', '已停用']);
});

test('how many codes were made and what each is worth are told apart', () => {
  Object.assign(language, { words: { ...zh, ...zhAdmin }, locale: 'zh' });
  const made = { before: null, after: { count: 2, amount_credits: 50 } };
  expect(toldChanges(made).map(({ label, after }) => [label, after])).toEqual([['数量', '2'], ['点数', '50']]);
});
