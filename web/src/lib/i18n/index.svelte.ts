/**
 * The words of the app. `t('area.name', {values})` reads the catalogue of the chosen language; only
 * that catalogue is fetched. The keys are typed, so a sentence that does not exist does not compile.
 */
import type { Locale, Text } from '#lib/api/types.ts';
import type { AdminMessages } from './en/admin';
import type { Messages } from './en/index';
import { fill, formatAgo, formatBytes, formatClock, formatDate, formatDay, formatList, formatMoment, formatNumber, formatPercent, formatShort, tagOf, type Values } from './format';

export type Key = keyof Messages | keyof AdminMessages;

const shelves: Record<Locale, () => Promise<{ default: Messages }>> = {
  en: () => import('./en/index'),
  zh: () => import('./zh/index')
};
const adminShelves: Record<Locale, () => Promise<{ default: AdminMessages }>> = {
  en: () => import('./en/admin'),
  zh: () => import('./zh/admin')
};

class Language {
  locale = $state<Locale>('en');
  words = $state.raw<Partial<Record<Key, string>>>({});
  #admin = false;

  /** Fetches the catalogue, then switches; the page never shows half of each. */
  async speak(locale: Locale): Promise<void> {
    const [own, admin] = await Promise.all([shelves[locale](), this.#admin ? adminShelves[locale]() : null]);
    this.words = { ...own.default, ...admin?.default };
    this.locale = locale;
    document.documentElement.lang = tagOf(locale);
  }

  async speakOfAdmin(): Promise<void> {
    if (this.#admin) return;
    this.#admin = true;
    await this.speak(this.locale);
  }

  knows(key: string): key is Key {
    return key in this.words;
  }
}

export const language = new Language();

export function t(key: Key, values: Values = {}): string {
  const sentence = language.words[key];
  return sentence === undefined ? key : fill(sentence, values, language.locale);
}

/** The right half of a text that came from the server in both languages. */
export const said = (text: Text | null | undefined): string => text?.[language.locale] || text?.en || '';

export const num = (value: number): string => formatNumber(value, language.locale);
export const short = (value: number): string => formatShort(value, language.locale);
export const percent = (share: number): string => formatPercent(share, language.locale);
export const list = (items: string[]): string => formatList(items, language.locale);
export const bytes = (value: number): string => formatBytes(value, language.locale);
export const ago = (iso: string): string => formatAgo(iso, language.locale);
export const moment = (iso: string): string => formatMoment(iso, language.locale);
export const date = (iso: string): string => formatDate(iso, language.locale);
export const day = (iso: string): string => formatDay(iso, language.locale);
export const clock = (iso: string): string => formatClock(iso, language.locale);

/** "40 s", "3 min": how long something takes, rounded the way one would say it. */
export function about(seconds: number): string {
  if (seconds < 90) return t('time.seconds', { n: seconds < 10 ? Math.max(1, Math.round(seconds)) : Math.round(seconds / 5) * 5 });
  return t('time.minutes', { n: Math.round(seconds / 60) });
}
