import {
  bindWeights,
  type ComponentHandle,
  type DerivedWeights,
  DerivedWeightsCache,
  type DerivedWeightsProgress,
  type Graph,
  type GraphWeight,
  ROW_DTYPES,
  type TensorInfo,
  type WeightSource,
} from '@thimble/core/plugin';
import type { CodeLimits } from './CodeLimits.js';
import { int8Recipe, scaleName, vectorName } from './int8Recipe.js';
import { type Int8Layer, nameOfLayer } from './Int8Layer.js';

/** A matrix of int8 in the cache. */
export interface QuantizedWeight {
  /** int8 [taps · in, out]. */
  readonly codes: WeightSource;
  /** float32 [out]. */
  readonly scales: WeightSource;
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

  /** Finds the matrices in the cache, or makes them. @throws what {@link DerivedWeightsCache.open} throws */
  static async of(
    { weights }: Pick<ComponentHandle, 'weights'>,
    { layers, limits, signal, onProgress }: Int8Request,
  ): Promise<Int8Weights> {
    const sources = new Map<string, TensorInfo>();
    for (const layer of layers) {
      const info = weights.get(layer.key);
      if (info !== undefined && ROW_DTYPES.has(info.dtype)) sources.set(nameOfLayer(layer), rowsOf(info, layer));
    }
    if (sources.size === 0) return new Int8Weights(undefined);
    const vectors = new Map(
      [...weights].filter(([, { dtype, shape }]) => shape.length === 1 && dtype !== 'F32' && ROW_DTYPES.has(dtype)),
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
    return bindWeights(graph, (key) => {
      const source = this.#derived?.tensors.get(vectorName(key));
      return source === undefined ? undefined : { type: 'float32', source };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#derived?.[Symbol.asyncDispose]();
  }
}

function rowsOf(info: TensorInfo, { rows: [start, count], shape: [whole = 1, ...rest] }: Int8Layer): TensorInfo {
  const bytesPerRow = info.byteLength / whole;
  return {
    ...info,
    shape: [count, ...rest],
    offset: info.offset + start * bytesPerRow,
    byteLength: count * bytesPerRow,
  };
}
