import { decodeFloat8E5m2 } from '../../weights/files/decodeFloat8E5m2.js';
import { float8 } from './float8.js';

/** PyTorch's `float8_e5m2`: the upper byte of a binary16. */
export const float8E5m2 = float8({
  dtype: 'F8_E5M2',
  bytes: 1,
  elementType: 'float8_e5m2',
  decode: (codes) => decodeFloat8E5m2(codes as Uint8Array),
  factor: 2 ** 8,
  exponent: 0,
});
