/** Changes to how one signs in want a proof that is still fresh: asked for when the server says so, then tried again. */
import { Problem } from '#lib/api/http.ts';

class Proof {
  wanted = $state(false);
  #settle: ((given: boolean) => void) | null = null;

  ask(): Promise<boolean> {
    this.#settle?.(false);
    this.wanted = true;
    return new Promise((resolve) => (this.#settle = resolve));
  }

  settle(given: boolean): void {
    this.wanted = false;
    this.#settle?.(given);
    this.#settle = null;
  }
}

export const proof = new Proof();

/** What `change` answers; null where the proof was wanted and not given. Throws whatever else it throws. */
export async function proven<T>(change: () => Promise<T>): Promise<T | null> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'auth.confirmation_required') throw error;
  }
  return (await proof.ask()) ? change() : null;
}
