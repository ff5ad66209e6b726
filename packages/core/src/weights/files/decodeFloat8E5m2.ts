import { checkMembers } from '../../fields/checkMembers.js';
import { decodeFloat16 } from './decodeFloat16.js';

/**
 * Widens PyTorch's `float8_e5m2` to float32, exactly. The format is the upper byte of a binary16, infinities included.
 *
 * @param codes bit patterns, one per element
 */
export function decodeFloat8E5m2(codes: Uint8Array): Float32Array {
  checkMembers('codes', codes, 'a typed array of bit patterns', ['buffer', 'byteLength', 'length']);
  return decodeFloat16(Uint16Array.from(codes, (code) => code << 8));
}
