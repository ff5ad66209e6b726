import { refuseOption } from '../fields/refuseOption.js';

/** Formats by the names that one of their members has. The same one may be registered several times: it is there until each registration was undone. */
export class FormatRegistry<Key extends string, Format extends Readonly<Record<Key, string>>> {
  readonly #kind: string;
  readonly #key: Key;
  readonly #entries: Map<string, { readonly format: Format; registrations: number }>;

  /**
   * @param kind what they are, for messages
   * @param key the member that names a format
   * @param formats those that are there for good
   */
  constructor(kind: string, key: Key, formats: readonly Format[]) {
    this.#kind = kind;
    this.#key = key;
    this.#entries = new Map(formats.map((format) => [format[key], { format, registrations: 1 }]));
  }

  /** In the order in which they were registered first. */
  get formats(): readonly Format[] {
    return Array.from(this.#entries.values(), ({ format }) => format);
  }

  find(name: string): Format | undefined {
    return this.#entries.get(name)?.format;
  }

  /** Adds a format, until the result is disposed. @throws ERR_ARGUMENT_INVALID for a name that another format has */
  register(format: Format): Disposable {
    const name = format[this.#key];
    const entry = this.#entries.get(name) ?? { format, registrations: 0 };
    if (entry.format !== format)
      refuseOption(`format.${this.#key}`, name, `a name that no ${this.#kind} format has already`);
    entry.registrations++;
    this.#entries.set(name, entry);
    let registered = true;
    return {
      [Symbol.dispose]: () => {
        if (!registered) return;
        registered = false;
        entry.registrations--;
        if (entry.registrations === 0) this.#entries.delete(name);
      },
    };
  }
}
