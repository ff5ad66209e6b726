import { decodeFloat16 } from '../../weights/files/decodeFloat16.js';
import { elementwise } from './elementwise.js';

/** IEEE binary16. */
export const float16 = elementwise({
  dtype: 'F16',
  bytes: 2,
  elementType: 'float16',
  decode: (codes) => decodeFloat16(codes as Uint16Array),
});
