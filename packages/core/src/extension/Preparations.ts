import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import { linkSignals } from '../linkSignals.js';
import { untilAborted } from '../untilAborted.js';
import { contentsOf, type WeightStore } from '../weights/WeightStore.js';
import { type ComponentKey, ComponentMap } from './ComponentMap.js';

/** How {@link Preparations} make what they keep. */
export interface PreparationsParts<T extends AsyncDisposable> {
  /** The weights that a preparation is made of. */
  readonly source: (component: ComponentHandle) => WeightStore;
  readonly prepare: (component: ComponentHandle, source: WeightStore, signal: AbortSignal) => Promise<T>;
  /** Told when there is a new one. */
  readonly changed: () => void;
}

interface Ready<T> {
  /** The contents of the weights that it was made of. */
  readonly from: string;
  /** It was made before this era ended, in which nothing was outdated. */
  readonly era: number;
  readonly prepared: T;
}

/**
 * What a plugin has made for each component from its weights. Two calls that want the same component wait for one preparation; where that fails or is aborted,
 * the other tries again under its own signal. What was made of other weights than those of now is never given out, and is made anew.
 */
export class Preparations<T extends AsyncDisposable> implements AsyncDisposable {
  readonly #parts: PreparationsParts<T>;
  readonly #life = new AbortController();
  readonly #preparing = new ComponentMap<Promise<void>>();
  readonly #ready = new ComponentMap<Ready<T>>();
  #era = 0;

  constructor(parts: PreparationsParts<T>) {
    this.#parts = parts;
  }

  /** What was made of these weights for a component. */
  find(component: ComponentKey, source: () => WeightStore): T | undefined {
    const ready = this.#ready.get(component);
    if (ready === undefined || ready.era !== this.#era) return undefined;
    return ready.from === contentsOf(source()) ? ready.prepared : undefined;
  }

  /** Sees to it that there is one for the weights of now. @throws what `prepare` throws; `signal.reason` */
  async ensure(component: ComponentHandle, signal?: AbortSignal): Promise<void> {
    for (;;) {
      this.#life.signal.throwIfAborted();
      signal?.throwIfAborted();
      const source = this.#parts.source(component);
      if (this.find(component, () => source) !== undefined) return;
      const others = this.#preparing.get(component);
      if (others === undefined) await this.#start(component, source, signal);
      else
        await untilAborted(
          others.catch(() => undefined),
          signal,
        );
    }
  }

  /** All that there is was made in a way that is no more, as is what is being made: it is not given out again. */
  outdate(): void {
    this.#era++;
    this.#parts.changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await Promise.allSettled(this.#preparing.values());
    for (const { prepared } of this.#ready.values()) await prepared[Symbol.asyncDispose]();
    this.#ready.clear();
  }

  async #start(component: ComponentHandle, source: WeightStore, signal: AbortSignal | undefined): Promise<void> {
    const either = linkSignals([signal, this.#life.signal]);
    const preparing = this.#prepare(component, source, either).finally(() => {
      either[Symbol.dispose]();
      this.#preparing.delete(component);
    });
    this.#preparing.set(component, preparing);
    return preparing;
  }

  async #prepare(component: ComponentHandle, source: WeightStore, signal: AbortSignal): Promise<void> {
    const era = this.#era;
    const prepared = await this.#parts.prepare(component, source, signal);
    const before = this.#ready.get(component);
    this.#ready.set(component, { from: contentsOf(source), era, prepared });
    this.#parts.changed();
    await before?.prepared[Symbol.asyncDispose]();
  }
}
