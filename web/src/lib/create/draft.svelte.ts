/**
 * What is on the desk: prompt, model, wishes, pictures. It survives reloads and every error; the only
 * thing that clears a prompt is the person.
 */
import type { Asset, Generation, InputRef, Model, Params, ParamValue } from '#lib/api/types.ts';
import { nameOf } from '#lib/library/name.ts';
import { studio } from '#lib/state/studio.svelte.ts';
import type { Step } from '#lib/paint/steps.ts';
import { readFlags, withoutFlag, type Typed } from './flags';
import { assignRoles, fit, gapOf, inputsToSend, toSend, type Reference } from './params';

export type DraftReference = Reference<Asset> & {
  name: string;
  content_type: string;
  /** A local picture to show while the upload runs. */
  preview: string | null;
  failure: unknown;
  retry: (() => void) | null;
  /** A mask that was painted here: its steps, and the picture it lies on. */
  painted?: { over: string; steps: Step[] };
};

type Saved = { prompt: string; model: string; wishes: Params; origin?: Asset | null; references: { role: string; weight?: number | null; asset: Asset }[] };
const KEY = 'vermilion.draft';
const SAVE_AFTER_MS = 300;

class Draft {
  prompt = $state('');
  modelId = $state<string | null>(null);
  wishes = $state.raw<Params>({});
  references = $state.raw<DraftReference[]>([]);
  /** What a model that goes on from something goes on from. */
  origin = $state.raw<Asset | null>(null);
  /** Raised to put the cursor into the prompt from elsewhere. */
  attention = $state(0);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #owner = '';

  model: Model | null = $derived.by(() => {
    const chosen = this.modelId ? studio.modelOf(this.modelId) : undefined;
    return chosen ?? studio.models.find(beginsFromWords) ?? studio.models[0] ?? null;
  });
  /** What the words say besides words: flags, where the model has some. */
  typed: Typed = $derived(readFlags(this.model, this.prompt));
  /** What the words say wins over the form, as it does on the server. */
  params: Params = $derived(this.model ? { ...fit(this.model, this.wishes), ...this.typed.values } : {});
  placed: DraftReference[] = $derived(
    this.model ? assignRoles(this.model, this.references, (one) => one.content_type) : this.references
  );
  gap = $derived(this.model ? gapOf(this.model, this.typed.words, this.placed, this.origin !== null) : null);
  /** Everything of the request but its id. */
  request = $derived(
    this.model
      ? { parent_id: this.#parent(this.model), model: this.model.id, prompt: this.model.prompt ? this.prompt.trim() : '', params: toSend(this.params), inputs: inputsToSend(this.model, this.placed) }
      : null
  );

  /** Finds the desk as this person left it. */
  restore(owner: string): void {
    if (this.#owner === owner) return;
    this.#owner = owner;
    this.prompt = '';
    this.wishes = {};
    this.references = [];
    this.modelId = null;
    this.origin = null;
    try {
      const saved = JSON.parse(localStorage.getItem(`${KEY}.${owner}`) ?? 'null') as Saved | null;
      if (!saved) return;
      this.prompt = saved.prompt;
      this.modelId = saved.model;
      this.wishes = saved.wishes;
      this.origin = saved.origin ?? null;
      this.references = saved.references.map(({ asset, role, weight }) => ({ ...referenceTo(asset, role), weight }));
    } catch {
      // An unreadable draft is a lost draft; an empty desk is still a desk.
    }
  }

  saveSoon(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), SAVE_AFTER_MS);
  }

  save(): void {
    if (!this.#owner) return;
    const saved: Saved = {
      prompt: this.prompt,
      model: this.modelId ?? '',
      wishes: this.wishes,
      origin: this.origin,
      references: this.references.flatMap(({ asset, role, weight }) => (asset ? [{ asset, role, weight }] : []))
    };
    try {
      localStorage.setItem(`${KEY}.${this.#owner}`, JSON.stringify(saved));
    } catch {
      // A full or refused storage costs the draft on reload, nothing now.
    }
  }

  #parent(model: Model): string | null {
    const origin = model.continues === 'nothing' ? null : this.origin;
    return origin?.generation_id ?? parentOf(this.placed, inputsToSend(model, this.placed));
  }

  /** A choice made in the form; what the words said about it is taken out of them. */
  wish(name: string, value: ParamValue): void {
    this.unsay(name);
    this.wishes = { ...this.wishes, [name]: value };
  }

  unsay(name: string): void {
    this.prompt = withoutFlag(this.prompt, this.typed.said, name);
  }

  addAsset(asset: Asset, role?: string): void {
    if (this.references.some((one) => one.asset_id === asset.id)) return;
    this.references = [...this.references, referenceTo(asset, role ?? '')];
  }

  change(key: string, change: Partial<DraftReference>): void {
    this.references = this.placed.map((one) => (one.key === key ? { ...one, ...change } : one));
  }

  drop(key: string): void {
    const gone = this.references.find((one) => one.key === key);
    if (gone?.preview) URL.revokeObjectURL(gone.preview);
    this.references = this.references.filter((one) => one.key !== key);
  }

  /** Everything of an earlier generation back on the desk; `assets` are those of its inputs that still exist. */
  reuse(view: Generation, assets: Asset[]): void {
    this.prompt = view.prompt;
    this.modelId = view.model;
    this.wishes = { ...this.wishes, ...view.params };
    this.references = view.inputs.flatMap(({ asset_id, role, weight }) => {
      const asset = assets.find((one) => one.id === asset_id);
      return asset ? [{ ...referenceTo(asset, role), weight }] : [];
    });
    this.origin = null;
    this.attention++;
  }
}

/** What the pictures that go along were made by: the first of them that was made here at all. */
function parentOf(references: DraftReference[], inputs: InputRef[]): string | null {
  const sent = references.filter((one) => inputs.some((input) => input.asset_id === one.asset_id));
  return sent.find((one) => one.asset?.generation_id)?.asset?.generation_id ?? null;
}

export const needsPicture = (model: Model): boolean => model.inputs.some((slot) => slot.minimum > 0);

/** It can be asked for with nothing but words, and makes something to look at. */
export const beginsFromWords = (model: Model): boolean =>
  model.available && model.prompt !== null && model.continues !== 'always' && model.makes !== 'text' && !needsPicture(model);

function referenceTo(asset: Asset, role: string): DraftReference {
  return {
    key: asset.id, asset_id: asset.id, asset, role, name: nameOf(asset), content_type: asset.content_type,
    preview: null, failure: null, retry: null
  };
}

export const draft = new Draft();
