import { ThimbleError } from '../../errors.js';
import { checkOptionNames } from '../../fields/checkOptionNames.js';
import { attributeError } from './attributeError.js';
import type { HookObserver } from './HookObserver.js';
import { type OrderedTap, orderTaps } from './orderTaps.js';
import type { TapInfo } from './TapInfo.js';
import type { NamedStage } from './Stage.js';
import type { TapHandle } from './TapHandle.js';
import type { TapOptions } from './TapOptions.js';

const TAP_OPTIONS: readonly (keyof TapOptions)[] = ['name', 'stage', 'before', 'after', 'plugin'];
const STAGE_OPTIONS: readonly (keyof NamedStage)[] = ['name', 'before', 'after'];

/** One registered tap. `fn` is gone once the tap is disposed: calls in flight skip it, and its closure is free. */
export interface RegisteredTap<Args extends unknown[], Value> extends OrderedTap {
  fn: ((...args: Args) => Value) | undefined;
}

/**
 * A place in a pipeline's life where others may act. tapable runs the taps, but knows no removal, so this registry is the truth:
 * after each change a fresh tapable hook is compiled, at the next call.
 *
 * @typeParam Args - what a tap is called with.
 * @typeParam Value - what a tap returns.
 * @typeParam Result - what {@link call} returns.
 */
export abstract class HookPoint<Args extends unknown[], Value, Result> {
  /** The hook's name in the manifest. */
  readonly name: string;
  /** Told about every tap that ran. One at a time; an observer that wants company calls the one it replaces. */
  onCall: HookObserver | undefined;

  readonly #taps = new Set<RegisteredTap<Args, Value>>();
  #order: readonly RegisteredTap<Args, Value>[] = [];
  #compiled: ((...args: Args) => Result) | undefined;
  #revision = 0;

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Registers `fn`, from the next call on.
   *
   * @returns what removes it again; also during a call, which skips it if it has not run yet. Disposing twice is harmless.
   * @throws ThimbleError `ERR_ARGUMENT_INVALID` for options that it does not have; `ERR_HOOK_CYCLE` if its `before` and `after` contradict those of others; it is not registered then.
   */
  tap(options: string | TapOptions, fn: (...args: Args) => Value): TapHandle {
    if (typeof options !== 'string') checkTapOptions(this.name, options);
    const registered = registeredTap(options, fn);
    this.#change(orderTaps(this.name, [...this.#taps, registered]));
    this.#taps.add(registered);
    return {
      changed: () => {
        if (this.#taps.has(registered)) this.#revision++;
      },
      [Symbol.dispose]: () => this.#remove(registered),
    };
  }

  /** Runs the taps, in order. */
  call(...args: Args): Result {
    this.#compiled ??= this.compile(this.#order);
    return this.#compiled(...args);
  }

  /** Whether anyone tapped this hook: a caller may skip what only taps would need. */
  isUsed(): boolean {
    return this.#taps.size > 0;
  }

  /** The taps, in the order in which they run. */
  owners(): TapInfo[] {
    return this.#order.map(describeTap);
  }

  /** Grows with every tap added, removed or {@link TapHandle.changed}: what was made by the taps of an older revision is stale. */
  get revision(): number {
    return this.#revision;
  }

  /** Makes one function of `taps`, with a fresh tapable hook. */
  protected abstract compile(taps: readonly RegisteredTap<Args, Value>[]): (...args: Args) => Result;

  /** Tells the observer that `tap` ran, and gives back what to throw for `error`. */
  protected failed(tap: RegisteredTap<Args, Value>, args: Args, start: number, error: unknown): unknown {
    this.ran(tap, start, error);
    return attributeError(error, ownerOf(tap), this.name, args);
  }

  /** Tells the observer that `tap` ran since `start`, a time of `performance.now()`. */
  protected ran(tap: RegisteredTap<Args, Value>, start: number, error?: unknown): void {
    if (this.onCall === undefined) return;
    const call = { hook: this.name, tap: describeTap(tap), milliseconds: performance.now() - start };
    try {
      this.onCall(error === undefined ? call : { ...call, error });
    } catch {
      // A broken observer must not break the run it watches.
    }
  }

  #remove(tap: RegisteredTap<Args, Value>): void {
    tap.fn = undefined;
    if (this.#taps.delete(tap)) this.#change(orderTaps(this.name, this.#taps));
  }

  #change(order: readonly RegisteredTap<Args, Value>[]): void {
    this.#order = order;
    this.#compiled = undefined;
    this.#revision++;
  }
}

/** The name that a tap's errors bear. */
export function ownerOf(tap: OrderedTap): string {
  return tap.plugin ?? tap.name;
}

function describeTap({ name, plugin, stage: where }: OrderedTap): TapInfo {
  const stage = typeof where === 'number' ? where : where.name;
  return plugin === undefined ? { name, stage } : { name, plugin, stage };
}

function registeredTap<Args extends unknown[], Value>(
  options: string | TapOptions,
  fn: (...args: Args) => Value,
): RegisteredTap<Args, Value> {
  const {
    name,
    plugin,
    stage = 0,
    before = [],
    after = [],
  } = typeof options === 'string' ? { name: options } : options;
  if (!isName(name)) throw invalid('tap options.name', name, 'a name that is not empty');
  if (typeof stage === 'object' ? !isName(stage?.name) : !Number.isFinite(stage) && !isName(stage))
    throw invalid(
      'tap options.stage',
      stage,
      "a finite number, the name of a stage, or { name: 'me:stage', after: 'storage' }",
    );
  if (typeof fn !== 'function') throw invalid('tap function', fn, 'a function');
  return {
    name,
    plugin,
    stage: typeof stage === 'string' ? { name: stage } : stage,
    before: [before].flat(),
    after: [after].flat(),
    fn,
  };
}

function checkTapOptions(hook: string, options: TapOptions): void {
  checkOptionNames(options, TAP_OPTIONS, `${hook}.tap`);
  const { stage } = options;
  if (typeof stage === 'object' && stage !== null) checkOptionNames(stage, STAGE_OPTIONS, `a stage of ${hook}.tap`);
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function invalid(argument: string, value: unknown, expected: string): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
