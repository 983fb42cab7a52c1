/** Whole numbers that were typed: whether they may be sent, and what is said where they may not. */
import { num, t } from '#lib/i18n/index.svelte.ts';

export const CREDITS_MAX = 1_000_000;

/**
 * What is wrong with it as a whole number from `minimum` to `maximum`, in words; null where nothing is. A field for
 * numbers hands on what it understood: a number, or null.
 */
export function sayWhole(typed: string | number | null, minimum: number, maximum: number): string | null {
  const value = typed === null || String(typed).trim() === '' ? NaN : Number(typed);
  return Number.isInteger(value) && value >= minimum && value <= maximum ? null : t('whole.wrong', { minimum: num(minimum), maximum: num(maximum) });
}
