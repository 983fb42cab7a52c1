/** Turns a catalogue sentence and its values into text, by the rules of a locale. Pure. */
import type { Locale } from '#lib/api/types.ts';

export type Values = Record<string, string | number>;

const tags: Record<Locale, string> = { en: 'en', zh: 'zh-CN' };
export const tagOf = (locale: Locale): string => tags[locale];

/**
 * `{name}` is replaced by its value, numbers grouped as the locale groups them.
 * `{n|# picture|# pictures}` picks the singular or plural form and writes the number for `#`.
 */
export function fill(sentence: string, values: Values, locale: Locale): string {
  return sentence.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, other?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    const text = typeof value === 'number' ? new Intl.NumberFormat(tagOf(locale)).format(value) : value;
    if (one === undefined || other === undefined) return text;
    const form = new Intl.PluralRules(tagOf(locale)).select(Number(value)) === 'one' ? one : other;
    return form.replaceAll('#', text);
  });
}

export function formatNumber(value: number, locale: Locale): string {
  return new Intl.NumberFormat(tagOf(locale)).format(value);
}

/** A number where there is little room: from a million on in steps, "1.2M" or "120万", never more than was there. */
export function formatShort(value: number, locale: Locale): string {
  if (Math.abs(value) < 1_000_000) return formatNumber(value, locale);
  return new Intl.NumberFormat(tagOf(locale), { notation: 'compact', maximumFractionDigits: 1, roundingMode: 'trunc' }).format(value);
}

export function formatList(items: string[], locale: Locale): string {
  return new Intl.ListFormat(tags[locale], { type: 'conjunction' }).format(items);
}

export function formatBytes(bytes: number, locale: Locale): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let at = 0;
  while (size >= 1000 && at < units.length - 1) {
    size /= 1000;
    at++;
  }
  const digits = at > 0 && size < 100 ? 1 : 0;
  return `${new Intl.NumberFormat(tagOf(locale), { maximumFractionDigits: digits }).format(size)} ${units[at]}`;
}

/** "2 minutes ago" in steps a person would use; the moment itself belongs in a title attribute. */
export function formatAgo(iso: string, locale: Locale, nowMs: number = Date.now()): string {
  const seconds = Math.round((new Date(iso).getTime() - nowMs) / 1000);
  const relative = new Intl.RelativeTimeFormat(tagOf(locale), { numeric: 'auto' });
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86400], ['hour', 3600], ['minute', 60]];
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(0, 'second');
}

export function formatMoment(iso: string, locale: Locale): string {
  return new Intl.DateTimeFormat(tagOf(locale), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}

/** The local calendar day alone, with its year. */
export function formatDate(iso: string, locale: Locale): string {
  return new Intl.DateTimeFormat(tagOf(locale), { dateStyle: 'medium' }).format(new Date(iso));
}

export function formatDay(iso: string, locale: Locale): string {
  const day = new Date(iso);
  const sameYear = day.getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(tagOf(locale), {
    month: 'long',
    day: 'numeric',
    weekday: sameYear ? 'long' : undefined,
    year: sameYear ? undefined : 'numeric'
  }).format(day);
}

export function formatClock(iso: string, locale: Locale): string {
  return new Intl.DateTimeFormat(tagOf(locale), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(iso));
}

/** A share from 0 to 1, in whole percent. */
export function formatPercent(share: number, locale: Locale): string {
  return new Intl.NumberFormat(tagOf(locale), { style: 'percent' }).format(share);
}

/** How long something plays: "0:05", "12:30". */
export function clockOf(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** The local calendar day of a moment, as a key to group by. */
export function dayKey(iso: string): string {
  const day = new Date(iso);
  return `${day.getFullYear()}-${day.getMonth() + 1}-${day.getDate()}`;
}
