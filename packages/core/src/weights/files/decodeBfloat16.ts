import { checkMembers } from '../../fields/checkMembers.js';

/**
 * Widens bfloat16, the upper half of a float32, to float32, exactly.
 *
 * @param codes bit patterns, one per element
 */
export function decodeBfloat16(codes: Uint16Array): Float32Array {
  checkMembers('codes', codes, 'a typed array of bit patterns', ['buffer', 'byteLength', 'length']);
  const bits = new Uint32Array(codes.length);
  for (let i = 0; i < codes.length; i++) bits[i] = codes[i]! << 16;
  return new Float32Array(bits.buffer);
}
