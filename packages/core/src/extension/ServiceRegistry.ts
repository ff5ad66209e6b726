import 'reflect-metadata';
import { container, type DependencyContainer } from 'tsyringe';
import { ThimbleError } from '../errors.js';
import type { Token } from './Token.js';
import type { Named } from './tokens.js';

/** One thing that is provided. In a box, because a container takes `undefined` for nothing. */
interface Provided {
  readonly key: string;
  readonly value: unknown;
}

/**
 * What core and plugins provide to one pipeline, by token: a container of its own. Several may provide for one token, and each can be taken away again; the container
 * is filled anew then, because tsyringe knows no removal.
 */
export class ServiceRegistry {
  readonly #container: DependencyContainer = container.createChildContainer();
  readonly #provided = new Set<Provided>();

  /** Adds `value` to what is provided for `token`, until the result is disposed. */
  provide<T>(token: Token<T>, value: T): Disposable {
    const provided = { key: token.description, value };
    this.#provided.add(provided);
    this.#register(provided);
    return {
      [Symbol.dispose]: () => {
        if (!this.#provided.delete(provided)) return;
        this.#container.reset();
        for (const remaining of this.#provided) this.#register(remaining);
      },
    };
  }

  /**
   * What was provided last for `token`.
   *
   * @throws ThimbleError `ERR_SERVICE_MISSING` if nothing was.
   */
  get<T>(token: Token<T>): T {
    const { description } = token;
    if (!this.#container.isRegistered(description))
      throw new ThimbleError('ERR_SERVICE_MISSING', { token: description });
    return this.#container.resolve<Provided>(description).value as T;
  }

  /** All that is provided for `token`, oldest first. */
  getAll<T>(token: Token<T>): T[] {
    const { description } = token;
    if (!this.#container.isRegistered(description)) return [];
    return this.#container.resolveAll<Provided>(description).map(({ value }) => value as T);
  }

  /** All that is provided for `token` by name; of one name what was provided last. */
  named<V>(token: Token<Named<V>>): Named<V> {
    return Object.assign({}, ...this.getAll(token)) as Named<V>;
  }

  /** What was provided last for `token` under `name`, or nothing. */
  find<V>(token: Token<Named<V>>, name: string): V | undefined {
    const named = this.named(token);
    return Object.hasOwn(named, name) ? named[name] : undefined;
  }

  #register(provided: Provided): void {
    this.#container.register(provided.key, { useValue: provided });
  }
}
