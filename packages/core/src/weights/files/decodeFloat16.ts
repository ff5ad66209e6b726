import { checkMembers } from '../../fields/checkMembers.js';

/**
 * Widens IEEE binary16 to float32, exactly; the sign and payload of a NaN are kept.
 *
 * @param codes bit patterns, one per element
 */
export function decodeFloat16(codes: Uint16Array): Float32Array {
  checkMembers('codes', codes, 'a typed array of bit patterns', ['buffer', 'byteLength', 'length']);
  const values = new Float32Array(codes.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    const sign = (code & 0x8000) << 16;
    const exponent = (code >> 10) & 0x1f;
    const mantissa = code & 0x3ff;
    if (exponent === 0) values[i] = (sign === 0 ? mantissa : -mantissa) * 2 ** -24;
    else if (exponent === 0x1f) bits[i] = sign | 0x7f800000 | (mantissa << 13);
    else bits[i] = sign | ((exponent + 112) << 23) | (mantissa << 13);
  }
  return values;
}
