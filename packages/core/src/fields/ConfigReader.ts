import { ThimbleError } from '../errors.js';
import { checkConfig } from './checkConfig.js';
import { refuseOption } from './refuseOption.js';

/** A component's config as parsed from `config.json`. */
export type ModelConfig = Readonly<Record<string, unknown>>;

/** More than any side, width or vocabulary of a model. What is larger is a mistake, and tables of it would fill the memory. */
const MOST_SIZE = 2 ** 24;
/** More than the side of any picture or of its latents: positions are worked out along the whole of it. */
const MOST_SIDE = 2 ** 16;
/** More than the layers or heads of any model: each is built of many parts before weights are looked at. */
const MOST_COUNT = 1000;

/** Reads typed fields of a `config.json`; what is missing or null takes the default, what is wrong is a typed error. */
export class ConfigReader {
  readonly component: string;
  readonly #config: ModelConfig;

  /** @throws ERR_CONFIG_INVALID for a config that is no object; ERR_ARGUMENT_INVALID for a name that is no text */
  constructor(component: string, config: ModelConfig) {
    if (typeof component !== 'string') refuseOption('className', component, 'the name of a class');
    checkConfig(component, config);
    this.component = component;
    this.#config = config;
  }

  /** Whether a field is there and not null. */
  has(field: string): boolean {
    return this.#config[field] !== undefined && this.#config[field] !== null;
  }

  /** A whole number from 1 to 2^24: a width, a side, a vocabulary. */
  size(field: string, fallback?: number): number {
    return this.#whole(field, fallback, MOST_SIZE);
  }

  /** A whole number from 1 to 2^16: a side of a picture or of its latents. */
  side(field: string, fallback?: number): number {
    return this.#whole(field, fallback, MOST_SIDE);
  }

  /** A whole number from 1 to 1000: of layers, blocks, heads. */
  count(field: string, fallback?: number): number {
    return this.#whole(field, fallback, MOST_COUNT);
  }

  /** A whole number from 0 to 2^24: an id of a vocabulary. */
  index(field: string, fallback?: number): number {
    const value = this.#get(field, fallback);
    return value === 0 || isWhole(value, MOST_SIZE)
      ? value
      : this.#invalid(field, value, `a whole number from 0 to ${MOST_SIZE}`);
  }

  /** A finite number. */
  number(field: string, fallback?: number): number {
    const value = this.#get(field, fallback);
    if (typeof value !== 'number' || !Number.isFinite(value)) this.#invalid(field, value, 'a number');
    return value;
  }

  /** A boolean. */
  flag(field: string, fallback: boolean): boolean {
    const value = this.#get(field, fallback);
    if (typeof value !== 'boolean') this.#invalid(field, value, 'true or false');
    return value;
  }

  /** One of some names. */
  oneOf<T extends string>(field: string, supported: readonly T[], fallback?: T): T {
    const value = this.#get(field, fallback);
    if (!supported.includes(value as T)) this.unsupported(field, value, supported.join(', '));
    return value as T;
  }

  /** A list of sizes, or one for all of `length`. */
  sizes(field: string, length: number | undefined, fallback?: number | readonly number[]): readonly number[] {
    return this.#wholes(field, length, fallback, MOST_SIZE);
  }

  /** A list of sides, or one for all of `length`. */
  sides(field: string, length: number | undefined, fallback?: number | readonly number[]): readonly number[] {
    return this.#wholes(field, length, fallback, MOST_SIDE);
  }

  /** A list of counts, or one for all of `length`. */
  counts(field: string, length: number | undefined, fallback?: number | readonly number[]): readonly number[] {
    return this.#wholes(field, length, fallback, MOST_COUNT);
  }

  /** For each block a list of as many counts as `counts` says; or one for all of the block, or for all blocks. */
  countsInBlocks(field: string, counts: readonly number[], fallback?: number): readonly (readonly number[])[] {
    const value = this.#get(field, fallback);
    const blocks: readonly unknown[] = Array.isArray(value) ? value : counts.map(() => value);
    if (blocks.length !== counts.length)
      this.#invalid(field, value, `${counts.length} numbers or lists, one for each block`);
    return blocks.map((block, i) => {
      const sizes: readonly unknown[] = Array.isArray(block)
        ? block
        : Array.from({ length: counts[i] as number }, () => block);
      if (sizes.length === counts[i] && sizes.every((size) => isWhole(size, MOST_COUNT))) return sizes;
      return this.#invalid(
        field,
        value,
        `positive whole numbers, at most ${MOST_COUNT}, as lists of ${counts.join(', ')} or one for each block`,
      );
    });
  }

  /** A list of booleans, or one for all of `length`. */
  flags(field: string, length: number, fallback: boolean): readonly boolean[] {
    return this.#list(field, length, fallback, (item) => typeof item === 'boolean', 'booleans');
  }

  /** A list of names out of `supported`. */
  names<T extends string>(field: string, supported: readonly T[], fallback?: readonly T[]): readonly T[] {
    const value = this.#get(field, fallback);
    if (!Array.isArray(value) || value.length === 0) this.#invalid(field, value, 'a list of names');
    for (const item of value as T[])
      if (!supported.includes(item)) this.unsupported(field, value, supported.join(', '));
    return value as T[];
  }

  /** Refuses a config whose field differs from the only values that are implemented; a missing or null field counts as the first. */
  only(field: string, ...values: readonly unknown[]): void {
    const value = this.#config[field];
    if (value === undefined || value === null || values.includes(value)) return;
    this.unsupported(field, value, values.map((item) => JSON.stringify(item)).join(', '));
  }

  /** Throws ERR_CONFIG_UNSUPPORTED for a field. */
  unsupported(field: string, value: unknown, supported: string): never {
    throw new ThimbleError('ERR_CONFIG_UNSUPPORTED', { component: this.component, field, value, supported });
  }

  #whole(field: string, fallback: number | undefined, most: number): number {
    const value = this.#get(field, fallback);
    return isWhole(value, most) ? value : this.#invalid(field, value, `a positive whole number, at most ${most}`);
  }

  #wholes(
    field: string,
    length: number | undefined,
    fallback: number | readonly number[] | undefined,
    most: number,
  ): readonly number[] {
    const isOne = (item: unknown): boolean => isWhole(item, most);
    return this.#list(field, length, fallback, isOne, `positive whole numbers, at most ${most}`);
  }

  #list<T>(
    field: string,
    length: number | undefined,
    fallback: T | readonly T[] | undefined,
    check: (item: unknown) => boolean,
    what: string,
  ): readonly T[] {
    const value = this.#get(field, fallback);
    const list = Array.isArray(value) ? value : Array.from({ length: length ?? 1 }, () => value);
    if (list.length === 0 || !list.every(check)) this.#invalid(field, value, what);
    if (length !== undefined && list.length !== length)
      this.#invalid(field, value, `${length} ${what}, one for each block`);
    return list as T[];
  }

  #get(field: string, fallback: unknown): unknown {
    const value = this.#config[field] ?? fallback;
    if (value === undefined) this.#invalid(field, value, 'a value');
    return value;
  }

  #invalid(field: string, value: unknown, expected: string): never {
    throw new ThimbleError('ERR_CONFIG_INVALID', { component: this.component, field, value, expected });
  }
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;
}
