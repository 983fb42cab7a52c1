import { expect, test } from 'vitest';
import { titlesOf } from './titles';

test('a provider is called by its title, and by its name where it has none', () => {
  const titleOf = titlesOf([{ provider: 'heron', title: 'Heron' }, { provider: 'bare', title: '' }]);
  expect(['heron', 'bare', 'gone'].map(titleOf)).toEqual(['Heron', 'bare', 'gone']);
});
