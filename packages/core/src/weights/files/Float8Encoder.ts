import { ThimbleError } from '../../errors.js';
import { decodeFloat16 } from './decodeFloat16.js';
import { decodeFloat8E4m3fn } from './decodeFloat8E4m3fn.js';
import { decodeFloat8E5m2 } from './decodeFloat8E5m2.js';
import { bytesPerElement, type SafetensorsDtype } from './SafetensorsDtype.js';

const UPPER_HALVES = 2 ** 16;

/** What an eight-bit float format can hold; signs apart. */
interface Float8Format {
  readonly decode: (codes: Uint8Array) => Float32Array;
  /** Code of the largest finite value. */
  readonly largest: number;
  /** Code of what is rounded up from there. */
  readonly overflow: number;
  /** Where that begins. */
  readonly overflowsFrom: number;
  readonly notANumber: number;
}

/**
 * Rounds to eight-bit floats as torch's `Tensor.to` does: to the nearest, ties to even. Infinity and what is too large become 448 in `e4m3fn`,
 * infinity in `e5m2`.
 */
export class Float8Encoder {
  /** PyTorch's `float8_e4m3fn`: no infinities, largest value 448. */
  static readonly e4m3fn = new Float8Encoder({
    decode: decodeFloat8E4m3fn,
    largest: 0x7e,
    overflow: 0x7e,
    overflowsFrom: 448,
    notANumber: 0x7f,
  });
  /** PyTorch's `float8_e5m2`: the upper byte of a binary16, largest value 57344. */
  static readonly e5m2 = new Float8Encoder({
    decode: decodeFloat8E5m2,
    largest: 0x7b,
    overflow: 0x7c,
    overflowsFrom: 61440,
    notANumber: 0x7f,
  });

  readonly #format: Float8Format;
  #ofUpperHalves: Uint8Array | undefined;
  #ofFloat16: Uint8Array | undefined;

  private constructor(format: Float8Format) {
    this.#format = format;
  }

  /** Bit patterns of the rounded values, one per element; they go to `codes`, its own memory by default. */
  encode(values: Float32Array, codes: Uint8Array = new Uint8Array(values.length)): Uint8Array {
    return this.#encodeFloat32(new Uint32Array(values.buffer, values.byteOffset, values.length), codes);
  }

  /**
   * As {@link Float8Encoder.encode}, for elements as a checkpoint holds them.
   *
   * @param data whole elements, aligned to their size in `data.buffer`
   * @param codes where the result goes, one byte an element: its own memory by default
   * @throws ERR_ARGUMENT_INVALID for another element type than F32, F16 and BF16
   */
  encodeStored(
    data: Uint8Array,
    dtype: SafetensorsDtype,
    codes: Uint8Array = new Uint8Array(data.byteLength / bytesPerElement(dtype)),
  ): Uint8Array {
    const { buffer, byteOffset, byteLength } = data;
    if (dtype === 'F32') return this.#encodeFloat32(new Uint32Array(buffer, byteOffset, byteLength / 4), codes);
    if (dtype === 'F16') return look(new Uint16Array(buffer, byteOffset, byteLength / 2), this.#float16Table(), codes);
    if (dtype === 'BF16')
      return look(new Uint16Array(buffer, byteOffset, byteLength / 2), this.#upperHalfTable(), codes);
    throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'dtype', value: dtype, expected: 'F32, F16 or BF16' });
  }

  #encodeFloat32(bits: Uint32Array, codes: Uint8Array): Uint8Array {
    const table = this.#upperHalfTable();
    for (let i = 0; i < bits.length; i++) {
      const value = bits[i]!;
      // Rounding sees of the lower half only whether there is anything: folded into a last bit that no result keeps, that is exact.
      codes[i] = table[(value >>> 16) | Number((value & 0xffff) !== 0)]!;
    }
    return codes;
  }

  /** Codes of all float32 whose lower halves are zero, which are also all bfloat16. */
  #upperHalfTable(): Uint8Array {
    this.#ofUpperHalves ??= this.#round(
      new Float32Array(Uint32Array.from({ length: UPPER_HALVES }, (_, upper) => upper << 16).buffer),
    );
    return this.#ofUpperHalves;
  }

  #float16Table(): Uint8Array {
    this.#ofFloat16 ??= this.#round(decodeFloat16(Uint16Array.from({ length: UPPER_HALVES }, (_, code) => code)));
    return this.#ofFloat16;
  }

  #round(values: Float32Array): Uint8Array {
    const magnitudes = this.#format.decode(Uint8Array.from({ length: this.#format.largest + 1 }, (_, code) => code));
    return Uint8Array.from(
      values,
      (value) => (Object.is(value, -0) || value < 0 ? 0x80 : 0) | this.#roundMagnitude(Math.abs(value), magnitudes),
    );
  }

  #roundMagnitude(magnitude: number, magnitudes: Float32Array): number {
    const { largest, overflow, overflowsFrom, notANumber } = this.#format;
    if (Number.isNaN(magnitude)) return notANumber;
    if (magnitude >= overflowsFrom) return overflow;
    let below = 0;
    for (let step = 64; step > 0; step >>= 1)
      if (below + step <= largest && magnitudes[below + step]! <= magnitude) below += step;
    if (below === largest) return largest;
    const middle = (magnitudes[below]! + magnitudes[below + 1]!) / 2;
    // Codes of neighbours alternate between even and odd mantissas.
    return magnitude > middle || (magnitude === middle && below % 2 === 1) ? below + 1 : below;
  }
}

function look(halves: Uint16Array, table: Uint8Array, codes: Uint8Array): Uint8Array {
  for (let i = 0; i < halves.length; i++) codes[i] = table[halves[i]!]!;
  return codes;
}
