import { ThimbleError } from '../../errors.js';

/** What is done at the end of one computation, collected while its before-hook runs. */
export class Endings {
  readonly #endings: (() => void | Promise<void>)[] = [];
  #started = false;

  /**
   * Adds what is done before that which is there. Bound, so that it can be a payload's `onEnd`.
   *
   * @throws ERR_ARGUMENT_INVALID if `done` is no function, or the computation has begun
   */
  readonly onEnd = (done: () => void | Promise<void>): void => {
    if (typeof done !== 'function') throw invalid(done, 'a function: onEnd(async () => …)');
    if (this.#started) throw invalid(done, 'to be given in the before-hook, as the call has begun');
    this.#endings.push(done);
  };

  /** Computes, and does all of them whatever comes of it, even where one fails. @throws what `compute` throws; or else what the first ending that fails does */
  async after<T>(compute: () => Promise<T>): Promise<T> {
    this.#started = true;
    const [computed] = await Promise.allSettled([compute()]);
    const failures: unknown[] = [];
    for (const done of this.#endings.toReversed()) {
      try {
        await done();
      } catch (error) {
        failures.push(error);
      }
    }
    if (computed.status === 'rejected') throw computed.reason;
    if (failures.length > 0) throw failures[0];
    return computed.value;
  }
}

function invalid(value: unknown, expected: string): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'done', value, expected });
}
