import { checkMembers } from '../../fields/checkMembers.js';

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * Narrows float32 to IEEE binary16, to the nearest, ties to even; an infinity from 65520 on.
 *
 * @param codes where the result goes; its own memory by default
 */
export function encodeFloat16(values: Float32Array, codes?: Uint16Array): Uint16Array {
  checkMembers('values', values, 'a Float32Array', ['buffer', 'byteLength', 'length']);
  const result = codes ?? new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = encode(values[i]!);
  return result;
}

function encode(value: number): number {
  float[0] = value;
  const whole = bits[0] as number;
  const sign = (whole >>> 16) & 0x8000;
  const magnitude = whole & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Normal numbers: the exponent is moved, and half of what is cut off, less one where the last bit kept is even, is added before it is.
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  // Subnormal ones: adding 1/2 leaves their multiple of 2^-24 in the lowest bits of the sum, rounded by the addition.
  float[0] = Math.abs(value) + 0.5;
  return sign | ((bits[0] as number) - 0x3f000000);
}
