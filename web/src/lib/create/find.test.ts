import { expect, test } from 'vitest';
import { findModels } from './find';

const model = (id: string, en: string, about = '', aliases: string[] = []) => ({
  id, name: { en, zh: `${en}（中）` }, about: { en: about, zh: '' }, provider_title: 'Sandbox', aliases
});
const shelf = [
  model('writer', 'Sandbox words', 'Much like GPT Image 2, and better than Heron describe'),
  model('gpt-image-2-mini', 'GPT Image 2 mini'),
  model('mj-8', 'Heron 8'),
  model('gpt-image-2', 'GPT Image 2', '', ['image-two']),
  model('mini', 'Small GPT Image 2'),
  model('mj-describe', 'Heron describe'),
  model('old', 'Oldgpt', 'image 2')
];
const found = (query: string): string[] => findModels(shelf, query).map((one) => one.id);

test('the very name comes first, then names that begin so, then words of a name, then descriptions', () => {
  expect(found('GPT Image 2')).toEqual(['gpt-image-2', 'gpt-image-2-mini', 'mini', 'old', 'writer']);
});

test('a name is found before a description that mentions it', () => {
  expect(found('Heron describe')).toEqual(['mj-describe', 'writer']);
  expect(found('  describe   heron ')).toEqual(['mj-describe', 'writer']);
});

test('an id or an alias is as good as a name', () => {
  expect(found('gpt-image-2')[0]).toBe('gpt-image-2');
  expect(found('image-two')).toEqual(['gpt-image-2']);
  expect(found('heron 8（中')).toEqual(['mj-8']);
});

test('every word must be somewhere, and no words keep the order', () => {
  expect(found('heron nowhere')).toEqual([]);
  expect(found(' ')).toEqual(shelf.map((one) => one.id));
});
