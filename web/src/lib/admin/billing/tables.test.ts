import { expect, test } from 'vitest';
import { tableOf } from './tables';

const made = (purpose: string) => ({ batch_id: 'b', amount_credits: 50, expires_at: null, purpose, codes: [{ id: '1', code: 'AAAAA-BBBBB-CCCCC-DDDDD' }] });

test('every code is a row, and a purpose stays one cell and no formula', () => {
  expect(tableOf(made('a "sale", spring'))).toBe(
    '\ufeffcode,amount_credits,purpose,expires_at\r\nAAAAA-BBBBB-CCCCC-DDDDD,50,"a ""sale"", spring",\r\n'
  );
  expect(tableOf(made('=1+1'))).toContain(`"'=1+1"`);
});
