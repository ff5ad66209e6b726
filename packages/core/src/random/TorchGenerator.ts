import { checkOptionNames, checkSignal } from '../fields/checkOptionNames.js';
import { randomInt } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Tensor } from 'onnxruntime-common';
import { isList } from '../fields/isList.js';
import { refuseOption } from '../fields/refuseOption.js';
import { ThimbleError } from '../errors.js';
import type { Generator } from './Generator.js';
import { MersenneTwister } from './MersenneTwister.js';
import { roundToBfloat16, roundToFloat16 } from './roundTo16Bits.js';

/** The dtype that torch would draw in. It decides how many words a draw takes and how its values are rounded. */
export type RandnDtype = 'float32' | 'float16' | 'bfloat16' | 'float64';

const RANDN_DTYPES: readonly RandnDtype[] = ['float32', 'float16', 'bfloat16', 'float64'];
const BLOCK = 16;
const HALF_BLOCK = BLOCK / 2;
/** Elements that take some milliseconds; a multiple of a block. */
const SLICE = 2 ** 16;
const TWO_PI = 2 * Math.PI;

/**
 * Gives the numbers of `torch.Generator('cpu').manual_seed(seed)`: words and uniforms bit for bit, normals up to the last
 * bit of the platform's logarithm, sine and cosine. So a seed gives the same noise here and in Python.
 *
 * Source: torch's `CPUGeneratorImpl`, `DistributionTemplates.h` (`normal_fill`) and `DistributionsHelper.h`.
 */
export class TorchGenerator implements Generator {
  readonly #engine: MersenneTwister;
  #spare: number | undefined;
  readonly #dtype: Exclude<RandnDtype, 'float64'>;

  /**
   * @param seed an integer from -2^63 to 2^64 - 1, negative ones as in two's complement. Torch's engine takes it modulo 2^32.
   * @param options `dtype` is what `randn` draws in by default: that of the Python pipeline whose noise this is to be
   * @throws `ERR_ARGUMENT_INVALID` if it is not such an integer, or for a dtype that noise cannot have
   */
  constructor(seed: number | bigint, options: { readonly dtype?: Exclude<RandnDtype, 'float64'> | undefined } = {}) {
    checkOptionNames(options, ['dtype'], 'TorchGenerator');
    const { dtype = 'float32' } = options;
    if (!['float32', 'float16', 'bfloat16'].includes(dtype))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'dtype',
        value: dtype,
        expected: 'float32, float16 or bfloat16',
      });
    this.#dtype = dtype;
    this.#engine = new MersenneTwister(seedWord(seed));
  }

  /** The next raw word, an integer in [0, 2^32). */
  random(): number {
    return this.#engine.next();
  }

  /** `torch.rand(dims)`: a float32 tensor, each element from [0, 1). */
  rand(dims: readonly number[]): Tensor {
    const data = new Float32Array(sizeOf(dims));
    for (let i = 0; i < data.length; i++) data[i] = this.#uniform24();
    return new Tensor('float32', data, dims);
  }

  /**
   * `torch.randn(dims, dtype=dtype)`, each element from N(0, 1), returned as a float32 tensor (float64: a float64 one) whose
   * values are rounded to `dtype`.
   *
   * @throws `ERR_ARGUMENT_INVALID` if `dims` is not a list of integers from 0, and for another dtype
   */
  randn(dims: readonly number[], dtype: RandnDtype = this.#dtype): Tensor {
    const size = sizeOf(dims);
    if (!RANDN_DTYPES.includes(dtype)) refuseOption('dtype', dtype, RANDN_DTYPES.join(', '));
    if (dtype === 'float64') {
      const data = new Float64Array(size);
      this.#fillNormal(data, () => this.#uniform53());
      return new Tensor('float64', data, dims);
    }
    const data = new Float32Array(size);
    if (dtype === 'float32') this.#fillNormal(data, () => this.#uniform24());
    else this.#fillRounded(data, dtype === 'float16' ? roundToFloat16 : roundToBfloat16);
    return new Tensor('float32', data, dims);
  }

  /** {@inheritDoc Generator.randnInSlices} */
  async randnInSlices(dims: readonly number[], signal?: AbortSignal): Promise<Tensor> {
    checkSignal(signal);
    if (this.#dtype !== 'float32') return this.randn(dims);
    const data = new Float32Array(sizeOf(dims));
    const slices = this.#normals(data, () => this.#uniform24());
    while (slices.next().done !== true) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    return new Tensor('float32', data, dims);
  }

  #uniform24(): number {
    return (this.#engine.next() & 0xffffff) * 2 ** -24;
  }

  #uniform53(): number {
    const high = this.#engine.next() & 0x1fffff;
    return (high * 2 ** 32 + this.#engine.next()) * 2 ** -53;
  }

  /** One normal by Box-Muller in float64. They come in pairs: the second one waits for the next call. */
  #normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const u1 = this.#uniform53();
    const u2 = this.#uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    this.#spare = radius * Math.sin(TWO_PI * u1);
    return radius * Math.cos(TWO_PI * u1);
  }

  #fillNormal(data: Float32Array | Float64Array, uniform: () => number): void {
    const slices = this.#normals(data, uniform);
    while (slices.next().done !== true);
  }

  /** All uniforms first, then blocks of 16 in place; a tail takes 16 fresh words for the last 16 elements. Pauses after every {@link SLICE} elements. */
  *#normals(data: Float32Array | Float64Array, uniform: () => number): Iterator<void, void> & Iterable<void> {
    if (data.length < BLOCK) {
      for (let i = 0; i < data.length; i++) data[i] = this.#normal();
      return;
    }
    for (let from = 0; from < data.length; from += SLICE) {
      const to = Math.min(from + SLICE, data.length);
      for (let i = from; i < to; i++) data[i] = uniform();
      yield;
    }
    for (let from = 0; from < data.length; from += SLICE) {
      const to = Math.min(from + SLICE, data.length);
      for (let start = from; start + BLOCK <= to; start += BLOCK) boxMullerBlock(data, start);
      yield;
    }
    if (data.length % BLOCK === 0) return;
    const tail = data.length - BLOCK;
    for (let i = tail; i < data.length; i++) data[i] = uniform();
    boxMullerBlock(data, tail);
  }

  /** The 16-bit dtypes draw block by block, so with a tail they take other words than float32 does. */
  #fillRounded(data: Float32Array, round: (x: number) => number): void {
    if (data.length < BLOCK) {
      for (let i = 0; i < data.length; i++) data[i] = round(this.#normal());
      return;
    }
    const drawBlock = (start: number): void => {
      const block = data.subarray(start, start + BLOCK);
      for (let i = 0; i < BLOCK; i++) block[i] = this.#uniform24();
      boxMullerBlock(block, 0);
      for (let i = 0; i < BLOCK; i++) block[i] = round(block[i]!);
    };
    for (let start = 0; start + BLOCK <= data.length; start += BLOCK) drawBlock(start);
    if (data.length % BLOCK !== 0) drawBlock(data.length - BLOCK);
  }
}

/** Turns 16 uniforms into normals, in place: element j and j + 8 make a pair. */
function boxMullerBlock(data: Float32Array | Float64Array, start: number): void {
  for (let j = start; j < start + HALF_BLOCK; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - data[j]!));
    const angle = TWO_PI * data[j + HALF_BLOCK]!;
    data[j] = radius * Math.cos(angle);
    data[j + HALF_BLOCK] = radius * Math.sin(angle);
  }
}

function seedWord(seed: number | bigint): number {
  const isInteger = typeof seed === 'bigint' || Number.isInteger(seed);
  const value = isInteger ? BigInt(seed) : undefined;
  if (value === undefined || value < -(2n ** 63n) || value >= 2n ** 64n) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'seed',
      value: seed,
      expected: 'an integer from -2^63 to 2^64 - 1',
    });
  }
  return Number(BigInt.asUintN(32, value));
}

/** How many elements a tensor has. @throws ERR_ARGUMENT_INVALID if `dims` is not a list of integers from 0 */
export function sizeOf(dims: readonly number[]): number {
  if (!isList(dims) || !dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'dims',
      value: dims,
      expected: 'a list of integers from 0',
    });
  }
  return dims.reduce((product, dim) => product * dim, 1);
}

/** A seed that nobody can guess, for a run without one: an integer in [0, 2^32), all that torch's CPU generator looks at. */
export function randomSeed(): number {
  return randomInt(2 ** 32);
}
