import { untilAborted } from '../untilAborted.js';

/** Lets one run in at a time; the others wait for their turn, first come, first served. */
export class TurnQueue {
  /** The first one has the turn. */
  readonly #places: Place[] = [];

  /** Whether someone has the turn, or waits for it. */
  get busy(): boolean {
    return this.#places.length > 0;
  }

  /** How many wait. */
  get pending(): number {
    return Math.max(0, this.#places.length - 1);
  }

  /** Takes a place behind all others. Disposing it, at any time, lets the others move up. */
  enter(): Place {
    const place = new Place(this.#places);
    this.#places.push(place);
    return place;
  }

  /** Waits for the turn. The result ends it. Rejects with `signal.reason` when aborted while waiting. */
  async take(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    const place = this.enter();
    try {
      while (place.ahead > 0) await place.moved(signal);
      return place;
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }
}

/** Somebody's place in a {@link TurnQueue}. */
export class Place implements Disposable {
  readonly #queue: Place[];
  #wake: () => void = () => undefined;

  constructor(queue: Place[]) {
    this.#queue = queue;
  }

  /** How many come before; 0 while it has the turn. */
  get ahead(): number {
    return Math.max(0, this.#queue.indexOf(this));
  }

  /** Waits until somebody before it leaves. Rejects with `signal.reason` when aborted. */
  async moved(signal?: AbortSignal): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await untilAborted(woken, signal);
  }

  [Symbol.dispose](): void {
    const at = this.#queue.indexOf(this);
    if (at < 0) return;
    for (const behind of this.#queue.splice(at).slice(1)) {
      this.#queue.push(behind);
      behind.#wake();
    }
  }
}
