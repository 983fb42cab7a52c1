/** Finds models by what somebody types. Pure. */
import type { Model } from '#lib/api/types.ts';

type Findable = Pick<Model, 'id' | 'name' | 'about' | 'provider_title' | 'aliases'>;

const wordsOf = (text: string): string[] => text.toLowerCase().split(/\s+/).filter(Boolean);
const namesOf = (model: Findable): string[] => [model.name.en, model.name.zh, model.id, ...model.aliases].map((name) => name.toLowerCase());
const everything = (model: Findable): string => [...namesOf(model), model.about.en, model.about.zh, model.provider_title].join(' ').toLowerCase();

/** How near a model is to the words: 0 is its very name, and what only its description says comes last. */
function distance(model: Findable, words: string[]): number {
  const query = words.join(' ');
  const names = namesOf(model);
  if (names.includes(query)) return 0;
  if (names.some((name) => name.startsWith(query))) return 1;
  if (names.some((name) => words.every((word) => wordsOf(name).some((part) => part.startsWith(word))))) return 2;
  return 3 + Math.min(...names.map((name) => words.filter((word) => !name.includes(word)).length));
}

/** The models that have every word somewhere, nearest first; equally near ones keep their order, and without words so do all. */
export function findModels<M extends Findable>(models: readonly M[], query: string): M[] {
  const words = wordsOf(query);
  if (words.length === 0) return [...models];
  return models
    .filter((model) => words.every((word) => everything(model).includes(word)))
    .map((model) => ({ model, far: distance(model, words) }))
    .sort((a, b) => a.far - b.far)
    .map(({ model }) => model);
}
