import { ThimbleError } from '../errors.js';
import type { Token } from './Token.js';
import type { Named } from './tokens.js';

/** What is provided to one pipeline, by token. Several may provide for one token, and each can be taken away again. */
export class ServiceRegistry {
  readonly #provided = new Map<string, Set<{ readonly value: unknown }>>();

  /** Adds `value` to what is provided for `token`, until the result is disposed. */
  provide<T>(token: Token<T>, value: T): Disposable {
    const key = token.description;
    const entry = { value };
    const entries = this.#provided.get(key) ?? new Set();
    this.#provided.set(key, entries.add(entry));
    return {
      [Symbol.dispose]: () => {
        if (entries.delete(entry) && entries.size === 0) this.#provided.delete(key);
      },
    };
  }

  /**
   * What was provided last for `token`.
   *
   * @throws ThimbleError `ERR_SERVICE_MISSING` if nothing was.
   */
  get<T>(token: Token<T>): T {
    const values = this.getAll(token);
    if (values.length === 0) throw new ThimbleError('ERR_SERVICE_MISSING', { token: token.description });
    return values[values.length - 1] as T;
  }

  /** All that is provided for `token`, oldest first. */
  getAll<T>(token: Token<T>): T[] {
    return [...(this.#provided.get(token.description) ?? [])].map((entry) => entry.value as T);
  }

  /** What was provided last for `token` under `name`, or nothing. */
  find<V>(token: Token<Named<V>>, name: string): V | undefined {
    return this.getAll(token).findLast((record) => Object.hasOwn(record, name))?.[name];
  }
}
