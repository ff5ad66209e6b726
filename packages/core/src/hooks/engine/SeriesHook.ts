import { AsyncSeriesHook } from 'tapable';
import { HookPoint, type RegisteredTap } from './HookPoint.js';

/** How a {@link SeriesHook} treats a tap that fails. */
export interface SeriesHookOptions {
  /** Run the others all the same, and throw at the end: one error as it is, several as an `AggregateError`. Default: stop. */
  readonly settle?: boolean | undefined;
}

/** A hook whose taps run one after the other, each awaited, on one context object that they may change. */
export class SeriesHook<Context> extends HookPoint<[Context], void | Promise<void>, Promise<void>> {
  readonly #settle: boolean;

  constructor(name: string, { settle = false }: SeriesHookOptions = {}) {
    super(name);
    this.#settle = settle;
  }

  protected override compile(
    taps: readonly RegisteredTap<[Context], void | Promise<void>>[],
  ): (context: Context) => Promise<void> {
    if (taps.length === 0) return () => Promise.resolve();
    const hook = new AsyncSeriesHook<[Context, unknown[]]>(['context', 'failures'], this.name);
    for (const tap of taps) hook.tapPromise(tap.name, (context, failures) => this.#run(tap, context, failures));
    return async (context) => {
      const failures: unknown[] = [];
      await hook.promise(context, failures);
      if (failures.length > 1)
        throw new AggregateError(failures, `${failures.length} taps failed in hook "${this.name}"`);
      if (failures.length === 1) throw failures[0];
    };
  }

  // Async, so that whatever a tap does is a promise: tapable never settles if a later tap throws or returns none.
  async #run(
    tap: RegisteredTap<[Context], void | Promise<void>>,
    context: Context,
    failures: unknown[],
  ): Promise<void> {
    if (tap.fn === undefined) return;
    const start = performance.now();
    try {
      await tap.fn(context);
    } catch (error) {
      const failure = this.failed(tap, [context], start, error);
      if (!this.#settle) throw failure;
      failures.push(failure);
      return;
    }
    this.ran(tap, start);
  }
}
