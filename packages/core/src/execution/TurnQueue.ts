import { addAbortListener } from 'node:events';

/** Lets one run in at a time; the others wait for their turn, first come, first served. */
export class TurnQueue {
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Whether someone has the turn, or waits for it. */
  get busy(): boolean {
    return this.#waiting > 0;
  }

  /** Waits for the turn. The result ends it. Rejects with `signal.reason` when aborted while waiting. */
  async take(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    const before = this.#tail;
    let end = (): void => undefined;
    this.#tail = new Promise((resolve) => {
      end = resolve;
    });
    this.#waiting++;
    const leave = (): void => {
      this.#waiting--;
      end();
    };
    try {
      await untilAborted(before, signal);
    } catch (error) {
      void before.then(leave);
      throw error;
    }
    return { [Symbol.dispose]: leave };
  }
}

/** Waits for `promise`, which never rejects, but not beyond an abort. Rejects with `signal.reason` then. */
async function untilAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  await new Promise<void>((resolve, reject) => {
    const listener = addAbortListener(signal, () => reject(signal.reason));
    void promise.then(() => {
      listener[Symbol.dispose]();
      resolve();
    });
  });
  signal.throwIfAborted();
}
