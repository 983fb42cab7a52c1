/** Words about the desk as a whole. */
import { said, t } from '#lib/i18n/index.svelte.ts';
import type { Model } from '#lib/api/types.ts';
import type { Gap } from './params';

/** What a model calls the words it takes: a prompt, unless it says otherwise. */
export const wordsOf = (model: Pick<Model, 'prompt'> | null): string => said(model?.prompt?.label) || t('create.prompt');

/** Why it cannot be created yet, in a sentence. */
export function sayGap(gap: Gap | null): string | null {
  if (!gap) return null;
  if (gap.kind === 'prompt') return t('create.gap_prompt');
  if (gap.kind === 'prompt_long') return t('create.gap_prompt_long', { limit: gap.limit });
  if (gap.kind === 'uploading') return t('create.gap_uploading');
  if (gap.kind === 'origin') return gap.slot ? t('create.gap_origin_or', { role: said(gap.slot.label) }) : t('create.gap_origin');
  return t('create.gap_input', { role: said(gap.slot.label), n: gap.slot.minimum });
}
