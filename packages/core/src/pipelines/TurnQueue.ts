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
    await before;
    if (signal?.aborted === true) {
      leave();
      signal.throwIfAborted();
    }
    return { [Symbol.dispose]: leave };
  }
}
