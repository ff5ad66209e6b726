/**
 * Float32 to bfloat16, to the nearest, halves to even, as torch rounds.
 *
 * @param codes where the result goes; its own memory by default
 */
export function encodeBfloat16(values: Float32Array, codes: Uint16Array = new Uint16Array(values.length)): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i] as number;
    // A NaN whose lowest bits alone say so would become infinite.
    const isNaN = (x & 0x7fffffff) > 0x7f800000;
    codes[i] = isNaN ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
  return codes;
}
