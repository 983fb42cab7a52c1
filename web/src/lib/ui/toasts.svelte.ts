/** Short words at the edge of the screen. The one place where an error without a home becomes visible. */
import { wasAbandoned } from '#lib/api/http.ts';
import { sayProblem } from '#lib/i18n/problem.ts';

export type Toast = { id: number; text: string; bad: boolean };
const SHOWN_MS = 5_000;
const SHOWN_BAD_MS = 9_000;

class Toasts {
  list = $state.raw<Toast[]>([]);
  #last = 0;

  say(text: string, bad = false): void {
    const id = ++this.#last;
    this.list = [...this.list.filter((one) => one.text !== text), { id, text, bad }].slice(-3);
    setTimeout(() => this.drop(id), bad ? SHOWN_BAD_MS : SHOWN_MS);
  }

  drop(id: number): void {
    this.list = this.list.filter((one) => one.id !== id);
  }
}

export const toasts = new Toasts();
export const say = (text: string): void => toasts.say(text);
export const complain = (error: unknown): void => toasts.say(sayProblem(error), true);

/** Runs something a person asked for; what goes wrong is said, and the answer is undefined. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!wasAbandoned(error)) complain(error);
    return undefined;
  }
}
