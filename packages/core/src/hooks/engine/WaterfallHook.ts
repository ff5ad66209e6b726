import { SyncWaterfallHook } from 'tapable';
import { ThimbleError } from '../../errors.js';
import { HookPoint, ownerOf, type RegisteredTap } from './HookPoint.js';

/**
 * A synchronous hook that hands a value from tap to tap: each returns a changed one, or `undefined` to leave it as it is.
 * (`null` leaves it too, where tapable would hand the next tap a null.)
 */
export class WaterfallHook<Value, Context> extends HookPoint<[Value, Context], Value | undefined, Value> {
  protected override compile(
    taps: readonly RegisteredTap<[Value, Context], Value | undefined>[],
  ): (value: Value, context: Context) => Value {
    if (taps.length === 0) return (value) => value;
    const hook = new SyncWaterfallHook<[Value, Context], Value | undefined>(['value', 'context'], this.name);
    for (const tap of taps) hook.tap(tap.name, (value, context) => this.#run(tap, value, context));
    return (value, context) => hook.call(value, context) as Value;
  }

  #run(tap: RegisteredTap<[Value, Context], Value | undefined>, value: Value, context: Context): Value | undefined {
    if (tap.fn === undefined) return undefined;
    const start = performance.now();
    let next: Value | undefined;
    try {
      next = tap.fn(value, context);
    } catch (error) {
      throw this.failed(tap, [value, context], start, error);
    }
    this.ran(tap, start);
    if (isThenable(next)) {
      next.then(undefined, () => undefined);
      throw new ThimbleError('ERR_HOOK_SYNC', { plugin: ownerOf(tap), hook: this.name });
    }
    return next ?? undefined;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
