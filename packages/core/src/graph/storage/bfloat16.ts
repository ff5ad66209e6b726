import { decodeBfloat16 } from '../../weights/files/decodeBfloat16.js';
import { elementwise } from './elementwise.js';

/** The upper half of a float32. */
export const bfloat16 = elementwise({
  dtype: 'BF16',
  bytes: 2,
  elementType: 'bfloat16',
  decode: (codes) => decodeBfloat16(codes as Uint16Array),
});
