import { expect, test } from 'vitest';
import { titlesOf } from './titles';

test('a provider is called by its title, and by its name where it has none', () => {
  const titleOf = titlesOf([{ provider: 'comfyui', title: 'ComfyUI' }, { provider: 'bare', title: '' }]);
  expect(['comfyui', 'bare', 'gone'].map(titleOf)).toEqual(['ComfyUI', 'bare', 'gone']);
});
