/**
 * A model while it is made: the document it is made of, what was proposed, the entry as it stands, what people would
 * see of it. The server proposes and judges; here is only what was changed since.
 */
import * as api from '#lib/api/admin.ts';
import type { Credential, Entry, Finding, Proposal, ProposalRequest, Template } from '#lib/api/admin_types.ts';
import { Problem, wasAbandoned } from '#lib/api/http.ts';
import type { Model, ParamValue } from '#lib/api/types.ts';
import { complain } from '#lib/ui/toasts.svelte.ts';
import { entryOf, idFrom, isEntry, type Row, rowsOf, withParam, withShown } from './declared';

/** The whole numbers of an entry that are typed. */
export type Whole = 'base_credits' | 'per_output_credits' | 'typical_seconds' | 'deadline_seconds';

const PREVIEW_AFTER_MS = 250;
const SETTING_AFTER_MS = 500;

export class Making {
  credentials = $state.raw<Credential[]>([]);
  templates = $state.raw<Template[]>([]);
  readers = $state.raw<string[]>([]);
  credentialId = $state<string | null>(null);
  entry = $state.raw<Entry | null>(null);
  proposal = $state.raw<Proposal | null>(null);
  preview = $state.raw<Model | null>(null);
  /** Why the last save was refused, until something is changed. */
  refusal = $state.raw<Problem | null>(null);
  /** What is wrong with the entry as it stands. */
  #flaw = $state.raw<Problem | null>(null);
  /** What stands in a field for a whole number and cannot be one; the entry keeps what it had. */
  unfit = $state<Partial<Record<Whole, string>>>({});
  reading = $state(false);
  saving = $state(false);
  /** A document is still to be chosen; what is edited keeps its entry meanwhile. */
  choosing = $state(true);
  /** The id follows the name until somebody writes one. */
  idIsOwn = $state(false);
  /** The model that is edited; null for a new one. */
  editing = $state<string | null>(null);
  #settings: Record<string, ParamValue> = {};
  #previewTimer: ReturnType<typeof setTimeout> | undefined;
  #settingTimer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  readonly rows = $derived<Row[]>(this.entry ? rowsOf(this.entry, this.proposal) : []);
  readonly findings = $derived<Finding[]>(this.proposal?.findings ?? []);
  readonly problem = $derived<Problem | null>(this.refusal ?? this.#flaw);
  readonly held = $derived(Object.keys(this.unfit).length > 0);
  readonly blocked = $derived(this.findings.some((finding) => finding.blocks));

  /** Loads what there is to choose from, and the model that is edited, if one is. */
  load = async (model: string | null): Promise<void> => {
    const [templates, providers] = await Promise.all([api.listTemplates(), api.listProviders()]);
    this.readers = templates.providers;
    this.templates = templates.items;
    this.credentials = providers.items
      .filter((provider) => templates.providers.includes(provider.provider))
      .flatMap((provider) => provider.credentials.filter((credential) => credential.enabled));
    this.credentialId = this.credentials[0]?.id ?? null;
    if (model === null) return;
    const entry = await api.exportModel(model);
    this.editing = model;
    this.choosing = false;
    this.idIsOwn = true;
    this.credentials = this.credentials.filter((credential) => credential.provider === entry.provider);
    this.credentialId = this.credentials[0]?.id ?? null;
    this.#put(entry);
    if (this.credentialId) {
      this.#begin = { document: entry.options };
      await this.#ask((proposal) => (this.proposal = proposal));
    }
  };

  #begin: Pick<ProposalRequest, 'document' | 'template'> | null = null;

  fromTemplate = (template: Template): Promise<void> => {
    this.credentialId = this.credentials.find((credential) => credential.provider === template.provider)?.id ?? this.credentialId;
    return this.#anew({ template: template.id }, null);
  };
  fromDocument = (document: Record<string, never>, name: string): Promise<void> =>
    isEntry(document) ? this.#adopt(entryOf(document)) : this.#anew({ document }, name);

  /** Checks the same document again, at the credential that is chosen now. */
  again = (): Promise<void> => this.#ask((proposal) => this.#settle(proposal));

  change(change: Partial<Entry>): void {
    if (!this.entry) return;
    const named = change.name && !this.idIsOwn ? { id: idFrom(change.name.en) } : {};
    this.#edit({ ...this.entry, ...change, ...named });
  }

  show(row: Row): void {
    if (!this.entry) return;
    this.#edit(withShown(this.entry, row, this.proposal));
    // What nobody is asked any more stays as it was set here.
    if (row.shown && row.param.default !== undefined && row.param.default !== null) this.#write(row.param.name, row.param.default);
  }

  /** A shown parameter's default changes the entry; anything else is written into the document itself. */
  set(row: Row, value: ParamValue): void {
    if (!this.entry) return;
    if (row.shown) this.#edit(withParam(this.entry, row.param.name, { default: value }));
    else this.#write(row.param.name, value);
  }

  declare(row: Row, change: Partial<Row['param']>): void {
    if (this.entry) this.#edit(withParam(this.entry, row.param.name, change));
  }

  startOver(): void {
    this.choosing = true;
    this.proposal = null;
    this.refusal = null;
    this.#flaw = null;
    this.unfit = {};
    this.#begin = null;
  }

  async save(enabled: boolean): Promise<boolean> {
    if (!this.entry || this.saving) return false;
    this.saving = true;
    this.refusal = null;
    try {
      const entry = { ...this.entry, enabled };
      if (this.editing) await api.replaceModel(this.editing, entry);
      else await api.addModel(entry);
      return true;
    } catch (error) {
      if (error instanceof Problem) this.refusal = error;
      else if (!wasAbandoned(error)) complain(error);
      return false;
    } finally {
      this.saving = false;
    }
  }

  #edit(entry: Entry): void {
    this.refusal = null;
    this.#put(entry);
  }

  #put(entry: Entry): void {
    this.entry = entry;
    clearTimeout(this.#previewTimer);
    this.#previewTimer = setTimeout(() => void this.#draw(entry), PREVIEW_AFTER_MS);
  }

  async #draw(entry: Entry): Promise<void> {
    try {
      const preview = await api.previewModel(entry);
      // Only what was asked last counts: answers may overtake each other.
      if (this.entry !== entry) return;
      this.preview = preview;
      this.#flaw = null;
    } catch (error) {
      if (this.entry === entry && error instanceof Problem) this.#flaw = error;
    }
  }

  #write(name: string, value: ParamValue): void {
    this.#settings = { ...this.#settings, [name]: value };
    clearTimeout(this.#settingTimer);
    this.#settingTimer = setTimeout(() => void this.again(), SETTING_AFTER_MS);
  }

  async #anew(begin: Pick<ProposalRequest, 'document' | 'template'>, name: string | null): Promise<void> {
    this.#begin = begin;
    this.#settings = {};
    await this.#ask((proposal) => {
      this.proposal = proposal;
      if (!proposal.entry) return;
      this.choosing = false;
      const before = this.editing ? this.entry : null;
      const named = name ? { name: { en: name, zh: name }, id: idFrom(name) } : {};
      const kept = before ? { id: before.id, name: before.name, about: before.about, price: before.price, visibility: before.visibility } : named;
      this.#put({ ...proposal.entry, ...kept });
    });
  }

  /** Takes up an entry that was exported: it is arranged already, and only checked here. */
  async #adopt(exported: Entry): Promise<void> {
    const entry = this.editing && this.entry ? { ...exported, id: this.entry.id } : exported;
    this.idIsOwn = true;
    this.credentialId = this.credentials.find((credential) => credential.provider === entry.provider)?.id ?? this.credentialId;
    this.choosing = false;
    this.#put(entry);
    this.#begin = { document: entry.options };
    this.#settings = {};
    await this.#ask((proposal) => (this.proposal = proposal));
  }

  /** Takes up what was written into the document; what people see stays as it was arranged. */
  #settle(proposal: Proposal): void {
    this.proposal = proposal;
    if (this.entry && proposal.entry) this.#put({ ...this.entry, options: proposal.entry.options });
  }

  async #ask(take: (proposal: Proposal) => void): Promise<void> {
    if (!this.#begin || !this.credentialId) return;
    const asked = ++this.#asked;
    this.reading = true;
    try {
      const proposal = await api.proposeModel({ ...this.#begin, credential_id: this.credentialId, settings: this.#settings });
      if (asked === this.#asked) take(proposal);
    } catch (error) {
      if (asked === this.#asked && !wasAbandoned(error)) complain(error);
    } finally {
      if (asked === this.#asked) this.reading = false;
    }
  }
}
