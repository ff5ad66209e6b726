import { checkMembers } from '../../fields/checkMembers.js';

const table = Float32Array.from({ length: 256 }, (_, code) => {
  const sign = code & 0x80 ? -1 : 1;
  const exponent = (code >> 3) & 0xf;
  const mantissa = code & 7;
  if (exponent === 0xf && mantissa === 7) return Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -9 : sign * (8 + mantissa) * 2 ** (exponent - 10);
});

/**
 * Widens PyTorch's `float8_e4m3fn` to float32, exactly. The format has no infinity; codes 0x7f and 0xff are NaN, 0x7e is 448.
 *
 * @param codes bit patterns, one per element
 */
export function decodeFloat8E4m3fn(codes: Uint8Array): Float32Array {
  checkMembers('codes', codes, 'a typed array of bit patterns', ['buffer', 'byteLength', 'length']);
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = table[codes[i]!]!;
  return values;
}
