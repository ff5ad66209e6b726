import {
  bindWeights,
  type DerivedWeights,
  DerivedWeightsCache,
  type DerivedWeightsProgress,
  type Graph,
  type GraphWeight,
  sliceRows,
  type TensorView,
  type WeightStore,
} from '@thimble/core/plugin';
import type { CodeLimits } from './CodeLimits.js';
import { int8Recipe, scaleName, vectorName } from './int8Recipe.js';
import { type Int8Layer, nameOfLayer } from './Int8Layer.js';

/** A matrix of int8 in the cache. */
export interface QuantizedWeight {
  /** int8 [taps · in, out]. */
  readonly codes: TensorView;
  /** float32 [out]. */
  readonly scales: TensorView;
}

/** What is made of a component's weights. */
export interface Int8Request {
  readonly layers: readonly Int8Layer[];
  /** What the codes may be. */
  readonly limits: CodeLimits;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DerivedWeightsProgress) => void) | undefined;
}

/** The matrices of one component that are computed with in int8; in the cache's file until disposed. */
export class Int8Weights implements AsyncDisposable {
  readonly #derived: DerivedWeights | undefined;

  private constructor(derived: DerivedWeights | undefined) {
    this.#derived = derived;
  }

  /** Finds the matrices of a component's weights in the cache, or makes them. @throws what {@link DerivedWeightsCache.open} throws */
  static async of(weights: WeightStore, { layers, limits, signal, onProgress }: Int8Request): Promise<Int8Weights> {
    const sources = new Map<string, TensorView>();
    for (const layer of layers) {
      const view = weights.find(layer.key);
      if (view !== undefined) sources.set(nameOfLayer(layer), sliceRows(view, ...layer.rows));
    }
    if (sources.size === 0) return new Int8Weights(undefined);
    const vectors = new Map(
      [...weights.keys()]
        .map((key) => [key, weights.find(key) as TensorView] as const)
        .filter(([, { dtype, shape }]) => shape.length === 1 && dtype !== 'F32'),
    );
    return new Int8Weights(
      await new DerivedWeightsCache().open(int8Recipe(sources, vectors, limits), { signal, onProgress }),
    );
  }

  /** Whether no layer computes in int8. */
  get isEmpty(): boolean {
    return this.#derived === undefined;
  }

  /** What stands for a weight, or rows of one, of a graph. */
  find(weight: GraphWeight): QuantizedWeight | undefined {
    const name = nameOfLayer(weight);
    const codes = this.#derived?.tensors.get(name);
    const scales = this.#derived?.tensors.get(scaleName(name));
    return codes === undefined || scales === undefined ? undefined : { codes, scales };
  }

  /** The graph with biases, and what else has one axis, as float32: to widen a thousand numbers takes longer than to compute with them. */
  bind(graph: Graph): Graph {
    const derived = this.#derived;
    if (derived === undefined) return graph;
    return bindWeights(graph, { find: (key) => derived.tensors.get(vectorName(key)) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#derived?.[Symbol.asyncDispose]();
  }
}
