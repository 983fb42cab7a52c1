/** Who is signed in, with what balance, on which house; and the look and language they chose. */
import * as api from '#lib/api/calls.ts';
import { Problem } from '#lib/api/http.ts';
import type { Balance, Config, Locale, Me, Theme, User } from '#lib/api/types.ts';
import { language } from '#lib/i18n/index.svelte.ts';

function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage is a convenience here: without it the choice lasts for this visit.
  }
}

function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function browserLocale(): Locale {
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

const DOORS = /^\/(sign-in|sign-up|first-admin)\/?$/;

class SessionState {
  config = $state.raw<Config | null>(null);
  user = $state.raw<User | null>(null);
  credits = $state.raw<Balance>({ available: 0, held: 0 });
  /** null follows the system. */
  theme = $state<Theme | null>(null);

  /** Before anything is drawn: the language from storage or the browser, then who is here. */
  async begin(): Promise<void> {
    const locale = remembered('vermilion.locale');
    const theme = remembered('vermilion.theme');
    this.theme = theme === 'paper' || theme === 'ink' ? theme : null;
    await language.speak(locale === 'zh' || locale === 'en' ? locale : browserLocale());
    // Whoever stands at the door and was never in here before is not asked who they are.
    const stranger = DOORS.test(location.pathname) && remembered('vermilion.been_in') === null;
    const [config] = await Promise.all([api.getConfig(), stranger ? null : this.refresh()]);
    this.config = config;
  }

  /** Asks who is signed in; nobody is an answer, not an error. */
  async refresh(): Promise<void> {
    try {
      await this.#welcome(await api.getMe());
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      this.user = null;
      remember('vermilion.been_in', null);
    }
  }

  async #welcome(me: Me): Promise<void> {
    this.user = me.user;
    this.credits = me.credits;
    remember('vermilion.been_in', 'yes');
    if (me.user.theme) this.#showTheme(me.user.theme);
    if (me.user.locale && me.user.locale !== language.locale) {
      remember('vermilion.locale', me.user.locale);
      await language.speak(me.user.locale);
    }
  }

  leave(): void {
    remember('vermilion.been_in', null);
    this.user = null;
    this.credits = { available: 0, held: 0 };
  }

  async chooseLocale(locale: Locale | null): Promise<void> {
    remember('vermilion.locale', locale);
    await language.speak(locale ?? browserLocale());
    if (this.user) await this.#save({ locale });
  }

  async chooseTheme(theme: Theme | null): Promise<void> {
    this.#showTheme(theme);
    if (this.user) await this.#save({ theme });
  }

  /** How they sign in has changed. */
  changed(user: User): void {
    this.user = user;
  }

  async rename(name: string): Promise<void> {
    await this.#save({ name });
  }

  /** The saved choice comes back in the answer; the balance in it may be older than the live one. */
  async #save(change: Parameters<typeof api.patchMe>[0]): Promise<void> {
    const answer = await api.patchMe(change);
    this.user = answer.user;
  }

  #showTheme(theme: Theme | null): void {
    this.theme = theme;
    remember('vermilion.theme', theme);
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const shown = theme ?? (dark ? 'ink' : 'paper');
    document.documentElement.dataset.theme = shown;
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', shown === 'ink' ? '#151311' : '#faf8f4');
  }
}

export const session = new SessionState();
