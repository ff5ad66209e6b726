import { refuseOption } from '../../fields/refuseOption.js';

/** Computes an output from an input. */
export type Next<Input, Output> = (input: Input) => Promise<Output>;

/** Makes a computation around `next`, which it may call with other inputs, several times, or not at all. */
export type Wrapper<Input, Output> = (next: Next<Input, Output>) => Next<Input, Output>;

/** Wrappers around one computation, collected while its before-hook runs. The first one registered is the outermost. */
export class Wrapping<Input, Output> {
  readonly #wrappers: Wrapper<Input, Output>[] = [];
  #started = false;

  /** Whether there is any wrapper. */
  get used(): boolean {
    return this.#wrappers.length > 0;
  }

  /**
   * Adds a wrapper inside those that are there. Bound, so that it can be a payload's `wrap`.
   *
   * @throws ThimbleError `ERR_ARGUMENT_INVALID` if `wrapper` is no function, or the computation has begun.
   */
  readonly wrap = (wrapper: Wrapper<Input, Output>): void => {
    if (typeof wrapper !== 'function')
      refuseOption('wrapper', wrapper, 'a function: wrap((next) => async (input) => next(input))');
    if (this.#started) refuseOption('wrapper', wrapper, 'to be given in the before-hook, as the call has begun');
    this.#wrappers.push(wrapper);
  };

  /**
   * Runs `inner`, wrapped.
   *
   * @throws ThimbleError `ERR_ARGUMENT_INVALID` if a wrapper does not return a function; else what wrappers and `inner` throw.
   */
  async run(inner: Next<Input, Output>, input: Input): Promise<Output> {
    this.#started = true;
    return this.#wrappers.reduceRight(wrapOnce, inner)(input);
  }
}

function wrapOnce<Input, Output>(next: Next<Input, Output>, wrapper: Wrapper<Input, Output>): Next<Input, Output> {
  const wrapped: unknown = wrapper(next);
  if (typeof wrapped === 'function') return wrapped as Next<Input, Output>;
  refuseOption('wrapper result', wrapped, 'a function: wrap((next) => async (input) => next(input))');
}
