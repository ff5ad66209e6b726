import { refuseOption } from '../../fields/refuseOption.js';
import { DisposalStack } from './DisposalStack.js';

/** What is done at the end of one computation, collected while its before-hook runs. */
export class Endings {
  readonly #stack = new DisposalStack();
  #started = false;

  /**
   * Adds what is done before that which is there. Bound, so that it can be a payload's `onEnd`.
   *
   * @throws ERR_ARGUMENT_INVALID if `done` is no function, or the computation has begun
   */
  readonly onEnd = (done: () => void | Promise<void>): void => {
    if (typeof done !== 'function') refuseOption('done', done, 'a function: onEnd(async () => …)');
    if (this.#started) refuseOption('done', done, 'to be given in the before-hook, as the call has begun');
    this.#stack.add(done);
  };

  /** Computes, and does all of them whatever comes of it, even where one fails. @throws what `compute` throws; or else what the first ending that fails does */
  async after<T>(compute: () => Promise<T>): Promise<T> {
    this.#started = true;
    const [computed] = await Promise.allSettled([compute()]);
    const failures = await this.#stack.unwind();
    if (computed.status === 'rejected') throw computed.reason;
    if (failures.length > 0) throw failures[0];
    return computed.value;
  }
}
