import {
  type DerivedWeights,
  DerivedWeightsCache,
  type DerivedWeightsProgress,
  overlay,
  type TensorView,
  type WeightStore,
} from '@thimble/core/plugin';
import { canCast, castingRecipe, isSmall, scaleName } from './castingRecipe.js';
import type { StorageDtype } from './LayerwiseCastingOptions.js';

/** What is made of a component's weights. */
export interface CastRequest {
  readonly storageDtype: StorageDtype;
  /** State-dict keys of what is stored in less. */
  readonly keys: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DerivedWeightsProgress) => void) | undefined;
}

/** The weights of one component that are stored in less; in the cache's file until disposed. */
export class CastWeights implements AsyncDisposable {
  /** State-dict keys of the parameters that are stored in less, those included that the layer below already has as small as that. */
  readonly stored: readonly string[];
  /** State-dict keys of all others. */
  readonly kept: readonly string[];
  readonly #derived: DerivedWeights | undefined;
  readonly #views: ReadonlyMap<string, TensorView>;

  private constructor(
    stored: readonly string[],
    kept: readonly string[],
    derived: DerivedWeights | undefined,
    views: ReadonlyMap<string, TensorView>,
  ) {
    this.stored = stored;
    this.kept = kept;
    this.#derived = derived;
    this.#views = views;
  }

  /** Finds what the weights below become in the cache, or makes it. @throws what {@link DerivedWeightsCache.open} throws */
  static async of(below: WeightStore, { storageDtype, keys, signal, onProgress }: CastRequest): Promise<CastWeights> {
    const views = keys.map((key) => [key, below.find(key) as TensorView] as const);
    const cast = new Map(views.filter(([, view]) => canCast(view, storageDtype)));
    const stored = views.filter(([key, view]) => cast.has(key) || isSmall(view)).map(([key]) => key);
    const kept = [...below.keys()].filter((key) => !stored.includes(key));
    if (cast.size === 0) return new CastWeights(stored, kept, undefined, new Map());
    const derived = await new DerivedWeightsCache().open(castingRecipe(cast, storageDtype), { signal, onProgress });
    const made = (name: string): TensorView => derived.tensors.get(name) as TensorView;
    const viewOf = (key: string): TensorView =>
      storageDtype === 'int8' ? { ...made(key), dtype: 'I8_ROWS', scale: made(scaleName(key)) } : made(key);
    return new CastWeights(stored, kept, derived, new Map([...cast.keys()].map((key) => [key, viewOf(key)])));
  }

  /** The weights below, with these on top. */
  over(below: WeightStore): WeightStore {
    return this.#views.size === 0 ? below : overlay(below, this.#views);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#derived?.[Symbol.asyncDispose]();
  }
}
