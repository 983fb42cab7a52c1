import { expect, test } from 'vitest';
import { digitsOf, readWho, showPhone } from './who';

test('an address and a number are told apart while they are typed', () => {
  expect(['', 'm', 'mei', 'mei@', 'mei@example.com', '138@qq.com'].map(readWho)).toEqual(['unclear', 'unclear', 'unclear', 'email', 'email', 'email']);
  expect(['138', '1380', '13800138000', '+86 138 0013 8000', '＋８６１３８００１３８０００', '(138) 0013-8000'].map(readWho)).toEqual([
    'unclear', 'phone', 'phone', 'phone', 'phone', 'phone'
  ]);
  expect(['1380 Mei', '++', '....'].map(readWho)).toEqual(['unclear', 'unclear', 'unclear']);
});

test('a number is shown as people write it', () => {
  expect(['13800138000', '+8613800138000', '+86 138-0013-8000', '+447700900123'].map(showPhone)).toEqual([
    '138 0013 8000', '138 0013 8000', '138 0013 8000', '+447700900123'
  ]);
});

test('six digits are taken out of whatever was pasted', () => {
  expect(['123456', '123 456', '１２３４５６', '123456789', 'code: 12'].map(digitsOf)).toEqual(['123456', '123456', '123456', '123456', '12']);
});
