import {
  type DerivedWeights,
  DerivedWeightsCache,
  type DerivedWeightsProgress,
  overlay,
  type WeightStore,
} from '@thimble/core/plugin';
import type { LayerChange } from '../layers/LayerChange.js';
import { type Fusion, fuseRecipe } from './fuseRecipe.js';

/** What is merged into a component's weights. */
export interface FuseRequest {
  /** By state-dict key. */
  readonly changes: ReadonlyMap<string, readonly LayerChange[]>;
  readonly scaleOf: (change: LayerChange) => number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DerivedWeightsProgress) => void) | undefined;
}

/** The weights of one component with LoRAs merged in; in the cache's file until disposed. */
export class FusedWeights implements AsyncDisposable {
  readonly #derived: DerivedWeights | undefined;

  private constructor(derived: DerivedWeights | undefined) {
    this.#derived = derived;
  }

  /** Finds what the weights below become in the cache, or makes it. @throws what {@link DerivedWeightsCache.open} throws */
  static async of(below: WeightStore, { changes, scaleOf, signal, onProgress }: FuseRequest): Promise<FusedWeights> {
    const fusions = new Map<string, Fusion>();
    for (const [key, all] of changes) {
      const base = below.find(key);
      // A DoRA of scale 0 still brings rows to its lengths.
      const scaled = all
        .map((change) => [change, scaleOf(change)] as const)
        .filter(([{ magnitude }, scale]) => scale !== 0 || magnitude !== undefined);
      if (base !== undefined && scaled.length > 0) fusions.set(key, { base, changes: scaled });
    }
    if (fusions.size === 0) return new FusedWeights(undefined);
    return new FusedWeights(await new DerivedWeightsCache().open(fuseRecipe(fusions), { signal, onProgress }));
  }

  /** The weights below, with these on top. */
  over(below: WeightStore): WeightStore {
    return this.#derived === undefined ? below : overlay(below, this.#derived.tensors);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#derived?.[Symbol.asyncDispose]();
  }
}
