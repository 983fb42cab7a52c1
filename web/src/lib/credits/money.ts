/** Money in words: prices come as whole numbers of the currency's smallest unit. */
import { language } from '#lib/i18n/index.svelte.ts';
import { tagOf } from '#lib/i18n/format.ts';

/** "¥6", "¥12.50": decimals only where there are any. */
export function price(minor: number, currency: string, tag: string = tagOf(language.locale)): string {
  const digits = minor % 100 === 0 ? 0 : 2;
  return new Intl.NumberFormat(tag, {
    style: 'currency', currency, currencyDisplay: 'narrowSymbol', minimumFractionDigits: digits, maximumFractionDigits: digits
  }).format(minor / 100);
}
