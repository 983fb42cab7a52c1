/** Something fetched once for a page, in its three states. */
export class Loaded<T> {
  value = $state.raw<T | null>(null);
  failure = $state.raw<unknown>(null);
  #fetch: () => Promise<T>;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  load = async (): Promise<void> => {
    this.failure = null;
    try {
      this.value = await this.#fetch();
    } catch (error) {
      this.failure = error;
    }
  };
}
