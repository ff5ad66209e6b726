import {
  type DerivedWeights,
  DerivedWeightsCache,
  type DerivedWeightsProgress,
  type GraphWeight,
  sliceRows,
  type TensorView,
  type WeightStore,
} from '@thimble/core/plugin';
import { type NBitsFormat } from './nBitsFormats.js';
import { nBitsFormatOf, nBitsRecipe, scaleName, zeroPointName } from './nBitsRecipe.js';

/** A matrix, or rows of one, as `MatMulNBits` reads it. */
export interface NBitsMatrix {
  readonly format: NBitsFormat;
  /** uint8 [out, groups, bytes]. */
  readonly codes: TensorView;
  /** float32 [out, groups]. */
  readonly scales: TensorView;
  /** float32 [out, groups]; absent where zero is the middle of the codes. */
  readonly zeroPoints: TensorView | undefined;
}

/** The matrices of one component that `MatMulNBits` multiplies with; in the cache's file until disposed. */
export class NBitsWeights implements AsyncDisposable {
  readonly #sources: ReadonlyMap<string, TensorView>;
  readonly #derived: DerivedWeights | undefined;

  private constructor(sources: ReadonlyMap<string, TensorView>, derived: DerivedWeights | undefined) {
    this.#sources = sources;
    this.#derived = derived;
  }

  /** Finds the matrices of these keys in the cache, or makes them. @throws what {@link DerivedWeightsCache.open} throws */
  static async of(
    weights: WeightStore,
    keys: Iterable<string>,
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly onProgress?: ((progress: DerivedWeightsProgress) => void) | undefined;
    } = {},
  ): Promise<NBitsWeights> {
    const sources = new Map(Array.from(keys, (key) => [key, weights.find(key) as TensorView] as const));
    if (sources.size === 0) return new NBitsWeights(sources, undefined);
    return new NBitsWeights(sources, await new DerivedWeightsCache().open(nBitsRecipe(sources), options));
  }

  get isEmpty(): boolean {
    return this.#derived === undefined;
  }

  /** What stands for a weight of a graph, if it is what the matrix was made of. */
  find({ key, rows, source }: GraphWeight): NBitsMatrix | undefined {
    const whole = this.#sources.get(key);
    if (this.#derived === undefined || whole === undefined || source === undefined) return undefined;
    const made = sliceRows(whole, ...rows);
    if (made.file !== source.file || made.offset !== source.offset) return undefined;
    const { tensors } = this.#derived;
    const part = (name: string): TensorView | undefined => {
      const view = tensors.get(name);
      return view && sliceRows(view, ...rows);
    };
    return {
      format: nBitsFormatOf(whole) as NBitsFormat,
      codes: part(key) as TensorView,
      scales: part(scaleName(key)) as TensorView,
      zeroPoints: part(zeroPointName(key)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#derived?.[Symbol.asyncDispose]();
  }
}
