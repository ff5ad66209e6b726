import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { Model } from '../models/Model.js';
import { contentsOf, type WeightStore } from '../weights/WeightStore.js';

/** How {@link Preparations} make what they keep. */
export interface PreparationsParts<T extends AsyncDisposable> {
  /** The weights that a preparation is made of. */
  readonly source: (component: ComponentHandle) => WeightStore;
  readonly prepare: (component: ComponentHandle, source: WeightStore, signal: AbortSignal) => Promise<T>;
  /** Told when there is a new one. */
  readonly changed: () => void;
}

/**
 * What a plugin has made for each component from its weights. Two calls that want the same component wait for one preparation; where that fails or is aborted,
 * the other tries again under its own signal. What was made of other weights than those of now is never given out, and is made anew.
 */
export class Preparations<T extends AsyncDisposable> implements AsyncDisposable {
  readonly #parts: PreparationsParts<T>;
  readonly #life = new AbortController();
  readonly #preparing = new Map<Model, Promise<T>>();
  /** `from`: the contents of the weights that it was made of. */
  readonly #ready = new Map<Model, { readonly from: string; readonly prepared: T }>();

  constructor(parts: PreparationsParts<T>) {
    this.#parts = parts;
  }

  /** What was made of these weights for a model. */
  find(model: Model, source: () => WeightStore): T | undefined {
    const ready = this.#ready.get(model);
    return ready !== undefined && ready.from === contentsOf(source()) ? ready.prepared : undefined;
  }

  /** Sees to it that there is one for the weights of now. @throws what `prepare` throws; the signal's reason */
  async ensure(component: ComponentHandle, signal?: AbortSignal): Promise<void> {
    const { model } = component;
    for (;;) {
      this.#life.signal.throwIfAborted();
      const source = this.#parts.source(component);
      if (this.find(model, () => source) !== undefined) return;
      const others = this.#preparing.get(model);
      if (others === undefined) await this.#prepare(component, source, signal);
      else await others.catch(() => undefined);
    }
  }

  /** All that there is was made in a way that is no more: it is not given out again. */
  outdate(): void {
    for (const [model, ready] of this.#ready) this.#ready.set(model, { ...ready, from: '' });
    this.#parts.changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await Promise.allSettled(this.#preparing.values());
    for (const { prepared } of this.#ready.values()) await prepared[Symbol.asyncDispose]();
    this.#ready.clear();
  }

  async #prepare(component: ComponentHandle, source: WeightStore, signal: AbortSignal | undefined): Promise<void> {
    const { model } = component;
    const life = this.#life.signal;
    const started = this.#parts.prepare(
      component,
      source,
      signal === undefined ? life : AbortSignal.any([signal, life]),
    );
    this.#preparing.set(model, started);
    try {
      const prepared = await started;
      const before = this.#ready.get(model);
      this.#ready.set(model, { from: contentsOf(source), prepared });
      this.#parts.changed();
      await before?.prepared[Symbol.asyncDispose]();
    } finally {
      this.#preparing.delete(model);
    }
  }
}
