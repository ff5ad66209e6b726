/** Wakes those who wait for something to change. A change between looking and waiting is not missed: who waits says what was rung when it looked. */
export class Bell {
  #rung = 0;
  readonly #waiters = new Set<() => void>();

  /** How often it was rung. */
  get rung(): number {
    return this.#rung;
  }

  ring(): void {
    this.#rung += 1;
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }

  /** Resolves once it has rung more than `seen` times, after so many milliseconds at most. @throws `signal.reason` */
  async wait(seen: number, milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#rung > seen) return;
    let leave = (): void => undefined;
    let wake = (): void => undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        leave = () => reject(signal?.reason);
        timer = setTimeout(resolve, milliseconds);
        this.#waiters.add(wake);
        signal?.addEventListener('abort', leave, { once: true });
      });
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(wake);
      signal?.removeEventListener('abort', leave);
    }
  }
}
