import { beforeEach, expect, test } from 'vitest';
import { render } from 'svelte/server';
import type { Generation, Receipt as ReceiptView } from '#lib/api/types.ts';
import words from '#lib/i18n/en/index.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import Ending from './Ending.svelte';
import Receipt from './Receipt.svelte';

beforeEach(() => void (language.words = words));

const ended = (change: Partial<Generation>): string => {
  const view = { status: 'canceled', price_credits: 3, settled_credits: null, failure: null, ...change } as Generation;
  return render(Ending, { props: { view } }).body;
};
const failed = { code: 'provider.rejected', whose: 'user', detail: 'The workflow stopped at <b>Load</b>.', vendor_message: null, returned_credits: 3 } as const;

test('what was canceled or failed says that nothing was charged', () => {
  expect(ended({})).toContain('Nothing was charged: 3 credits came back.');
  expect(ended({ status: 'failed', failure: failed })).toContain('Nothing was charged: 3 credits came back.');
});

test('a failure tells the detail of this case below its sentence, as text', () => {
  const body = ended({ status: 'failed', failure: failed });
  expect(body).toContain('The model did not accept this request.');
  expect(body).toContain('The workflow stopped at &lt;b>Load&lt;/b>.');
  expect(ended({ status: 'failed', failure: { ...failed, code: 'generation.deadline_passed', detail: 'Too late.' } })).not.toContain('Too late.');
});

test('each try of a receipt tells why, with the words of the provider, as text', () => {
  const attempt = { n: 1, intended_at: '2026-01-01T00:00:00Z', submitted_at: null, ended_at: null, outcome: { ...failed, vendor_message: 'bad <i>seed</i>' } };
  const { body } = render(Receipt, { props: { receipt: { entries: [], attempts: [attempt] } as unknown as ReceiptView } });
  expect(body).toContain('The model did not accept this request.');
  expect(body).toContain('The workflow stopped at &lt;b>Load&lt;/b>.');
  expect(body).toContain('bad &lt;i>seed&lt;/i>');
});
