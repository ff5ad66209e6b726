import { constants } from 'node:os';
import { CliError } from './CliError.js';

/** Signals that mean: stop. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How long the work may clean up after an abort, in milliseconds. A segment in progress is given up after 1000 of them. */
const GRACE = 4000;

/**
 * Turns Ctrl-C and its kin into an abort: the first one ends the work and lets it clean up, a second one ends the program at once.
 * What nobody caught ends the work likewise.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #force = new Set<() => void>();
  #first: (() => void) | undefined;
  readonly #expired: Promise<never>;
  #expire: (reason: unknown) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #onSignal = (name: NodeJS.Signals): void => this.#interrupt(name);
  readonly #onUncaught = (error: unknown): void => this.#abort(error);

  /** Begins to listen. */
  constructor() {
    this.#expired = new Promise((_resolve, reject) => {
      this.#expire = reject;
    });
    this.#expired.catch(() => undefined);
    for (const name of SIGNALS) process.on(name, this.#onSignal);
    process.on('uncaughtException', this.#onUncaught);
  }

  /** Aborted with an `ERR_INTERRUPTED`, or with what nobody caught. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for `work`, but not for ever after an abort. @throws what `work` throws; the signal's reason */
  async limit<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#expired]);
  }

  /** Calls `cleanUp`, which must be synchronous, if the work is given up. Disposing the result takes that back. */
  onForce(cleanUp: () => void): Disposable {
    this.#force.add(cleanUp);
    return { [Symbol.dispose]: () => void this.#force.delete(cleanUp) };
  }

  /** Calls `begin` at the first signal, in place of the abort; the second one aborts. Disposing the result takes that back. */
  onFirst(begin: () => void): Disposable {
    this.#first = begin;
    return { [Symbol.dispose]: () => void (this.#first = undefined) };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const name of SIGNALS) process.off(name, this.#onSignal);
    process.off('uncaughtException', this.#onUncaught);
  }

  #interrupt(name: NodeJS.Signals): void {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && !this.signal.aborted) return first();
    if (!this.signal.aborted) return this.#abort(new CliError('ERR_INTERRUPTED', { signal: name }));
    this.#giveUp();
    process.exit(128 + constants.signals[name]);
  }

  #abort(reason: unknown): void {
    if (this.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#giveUp();
      this.#expire(reason);
    }, GRACE);
    this.#controller.abort(reason);
  }

  #giveUp(): void {
    for (const cleanUp of this.#force) cleanUp();
  }
}
