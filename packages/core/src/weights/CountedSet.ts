/** A set to which the same value may be added several times: it is there until each adding was undone. */
export class CountedSet<T> {
  readonly #counts: Map<T, number>;

  /** `values` are there for good. */
  constructor(values: Iterable<T> = []) {
    this.#counts = new Map([...values].map((value) => [value, 1]));
  }

  /** In the order in which they were added first. */
  values(): readonly T[] {
    return [...this.#counts.keys()];
  }

  /** Adds a value, until the result is disposed. */
  add(value: T): Disposable {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    let added = true;
    return {
      [Symbol.dispose]: () => {
        if (!added) return;
        added = false;
        const left = (this.#counts.get(value) as number) - 1;
        if (left === 0) this.#counts.delete(value);
        else this.#counts.set(value, left);
      },
    };
  }
}
