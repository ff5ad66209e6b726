import { constants } from 'node:os';
import { CliError } from './CliError.js';

/** Signals that mean: stop. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns Ctrl-C and its kin into an abort: the first one ends the work and lets it clean up, a second one ends the program at once.
 * What nobody caught ends the work likewise.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #force = new Set<() => void>();
  readonly #onSignal = (name: NodeJS.Signals): void => this.#interrupt(name);
  readonly #onUncaught = (error: unknown): void => this.#controller.abort(error);

  /** Begins to listen. */
  constructor() {
    for (const name of SIGNALS) process.on(name, this.#onSignal);
    process.on('uncaughtException', this.#onUncaught);
  }

  /** Aborted with an `ERR_INTERRUPTED`, or with what nobody caught. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Calls `cleanUp`, which must be synchronous, if a second signal ends the program at once. Returns what takes that back. */
  onForce(cleanUp: () => void): Disposable {
    this.#force.add(cleanUp);
    return { [Symbol.dispose]: () => void this.#force.delete(cleanUp) };
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal);
    process.off('uncaughtException', this.#onUncaught);
  }

  #interrupt(name: NodeJS.Signals): void {
    if (!this.signal.aborted) {
      this.#controller.abort(new CliError('ERR_INTERRUPTED', { signal: name }));
      return;
    }
    for (const cleanUp of this.#force) cleanUp();
    process.exit(128 + constants.signals[name]);
  }
}
