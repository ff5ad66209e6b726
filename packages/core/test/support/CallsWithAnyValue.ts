import { inspect } from 'node:util';
import { isThimbleError } from '../../src/index.js';
import { MersenneTwister } from '../../src/random/MersenneTwister.js';

type Callable = (...args: readonly unknown[]) => unknown;

/** What nobody should give, made anew for each call. */
const VALUES: readonly (() => unknown)[] = [
  ...[undefined, null, 0, -1, 0.5, NaN, 1e9, 7n, true, '', 'x', '\0', Symbol('x')].map((value) => () => value),
  () => [],
  () => [null],
  () => ['x', 2],
  () => ({}),
  () => ({ width: 'x', data: null, length: -1, dims: 'x', name: 7, config: null }),
  () => Object.create(null) as object,
  () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    return cyclic;
  },
  () => () => undefined,
  () => new Map(),
  () => new Uint8Array(3),
];
const PAIRS_AND_TRIPLES = 40;

/** Calls functions with values that they were not made for, and keeps what they throw without a code. The same seed makes the same calls. */
export class CallsWithAnyValue {
  count = 0;
  readonly #uncoded = new Map<string, string>();
  readonly #random: MersenneTwister;
  readonly #excluded: ReadonlySet<string>;

  /** @param excluded names of what is not called */
  constructor(seed: number, excluded: ReadonlySet<string>) {
    this.#random = new MersenneTwister(seed);
    this.#excluded = excluded;
  }

  /** Of each function that failed the first call that did, and what was thrown. */
  get uncoded(): readonly string[] {
    return Array.from(this.#uncoded, ([name, failure]) => `${name}${failure}`);
  }

  /** A function; or a class: its constructor and its static functions. */
  async callExport(name: string, value: unknown): Promise<void> {
    if (typeof value !== 'function' || this.#excluded.has(name)) return;
    if (!/^class\b/.test(Function.prototype.toString.call(value))) return this.callMany(name, value as Callable);
    await this.callMany(`new ${name}`, (...args) => Reflect.construct(value, args) as unknown);
    await this.callMethods(name, value);
  }

  /** Methods of an object: all, or those that `only` names and it has. */
  async callMethods(name: string, object: object, only = methodsOf(object)): Promise<void> {
    const methods = object as Readonly<Record<string, Callable>>;
    for (const key of only)
      if (key in object) await this.callMany(`${name}.${key}`, (...args) => methods[key]!(...args));
  }

  /** One function: without arguments, with each value, and with some pairs and triples. */
  async callMany(name: string, call: Callable, several = PAIRS_AND_TRIPLES): Promise<void> {
    if (this.#excluded.has(name)) return;
    const lists = [[], ...VALUES.map((make) => [make]), ...Array.from({ length: several }, () => this.#pick())];
    for (const list of lists)
      await this.#call(
        name,
        call,
        list.map((make) => make()),
      );
  }

  async #call(name: string, call: Callable, args: readonly unknown[]): Promise<void> {
    this.count++;
    try {
      const made: unknown = await call(...args);
      await (made as Partial<AsyncDisposable> | undefined | null)?.[Symbol.asyncDispose]?.();
    } catch (error) {
      if (isCoded(error) || this.#uncoded.has(name)) return;
      this.#uncoded.set(name, `(${args.map((arg) => inspect(arg)).join(', ')}) threw ${inspect(error)}`);
    }
  }

  #pick(): readonly (() => unknown)[] {
    const length = 2 + (this.#random.next() % 2);
    return Array.from({ length }, () => VALUES[this.#random.next() % VALUES.length]!);
  }
}

/** Of thimble, or of a check in a test. */
function isCoded(error: unknown): boolean {
  return isThimbleError(error) || (error as { readonly code?: unknown } | null)?.code === 'ERR_ASSERTION';
}

/** Names of what an object or a class has and inherits, up to what the language itself gives. */
function methodsOf(object: object): readonly string[] {
  const names = new Set<string>();
  const ends: readonly unknown[] = [null, Object.prototype, Function.prototype];
  for (let at: object = object; !ends.includes(at); at = Object.getPrototypeOf(at) as object)
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (typeof value === 'function' && key !== 'constructor') names.add(key);
  return [...names];
}
