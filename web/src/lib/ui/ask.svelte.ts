/** Asks one question and waits for the answer: `if (await ask({...}))`. Drawn once, by Asking.svelte. */
export type Question = {
  title: string;
  body?: string;
  yes: string;
  /** What leaving it as it is is called; else something is kept where there is danger, and nothing is done where not. */
  no?: string;
  danger?: boolean;
};

class Asking {
  question = $state.raw<Question | null>(null);
  #answer: ((yes: boolean) => void) | null = null;

  ask(question: Question): Promise<boolean> {
    this.#answer?.(false);
    this.question = question;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(yes: boolean): void {
    this.#answer?.(yes);
    this.#answer = null;
    this.question = null;
  }
}

export const asking = new Asking();
export const ask = (question: Question): Promise<boolean> => asking.ask(question);
