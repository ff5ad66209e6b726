import {
  bindWeights,
  type ComponentHandle,
  type DerivedWeights,
  DerivedWeightsCache,
  type DerivedWeightsProgress,
  type Graph,
  type StoredWeight,
  type TensorInfo,
} from '@thimble/core/plugin';
import { canCast, castingRecipe, scaleName } from './castingRecipe.js';
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
  /** State-dict keys of the parameters that are stored in less, those included that the checkpoint already holds in eight bits. */
  readonly stored: readonly string[];
  /** State-dict keys of all others. */
  readonly kept: readonly string[];
  readonly #derived: DerivedWeights | undefined;
  readonly #weights: ReadonlyMap<string, StoredWeight>;

  private constructor(
    stored: readonly string[],
    kept: readonly string[],
    derived: DerivedWeights | undefined,
    weights: ReadonlyMap<string, StoredWeight>,
  ) {
    this.stored = stored;
    this.kept = kept;
    this.#derived = derived;
    this.#weights = weights;
  }

  /** Finds the weights in the cache, or makes them. @throws what {@link DerivedWeightsCache.open} throws */
  static async of(
    component: ComponentHandle,
    { storageDtype, keys, signal, onProgress }: CastRequest,
  ): Promise<CastWeights> {
    const cast = new Map(
      keys
        .map((key) => [key, component.weights.get(key) as TensorInfo] as const)
        .filter(([, info]) => canCast(info, storageDtype)),
    );
    const stored = keys.filter(
      (key) => cast.has(key) || (component.weights.get(key) as TensorInfo).dtype.startsWith('F8'),
    );
    const kept = [...component.weights.keys()].filter((key) => !stored.includes(key));
    if (cast.size === 0) return new CastWeights(stored, kept, undefined, new Map());
    const derived = await new DerivedWeightsCache().open(castingRecipe(cast, storageDtype), { signal, onProgress });
    const source = (name: string): TensorInfo => derived.tensors.get(name) as TensorInfo;
    const weights = [...cast.keys()].map(
      (key) =>
        [
          key,
          {
            type: storageDtype,
            source: source(key),
            ...(storageDtype === 'int8' ? { scale: source(scaleName(key)) } : {}),
          },
        ] as const,
    );
    return new CastWeights(stored, kept, derived, new Map(weights));
  }

  /** The graph with its weights taken from here, where they are. */
  bind(graph: Graph): Graph {
    return this.#weights.size === 0 ? graph : bindWeights(graph, (key) => this.#weights.get(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#derived?.[Symbol.asyncDispose]();
  }
}
