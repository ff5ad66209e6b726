import { decodeFloat8E4m3fn } from '../../weights/files/decodeFloat8E4m3fn.js';
import { float8 } from './float8.js';

/** PyTorch's `float8_e4m3fn`. */
export const float8E4m3fn = float8({
  dtype: 'F8_E4M3',
  bytes: 1,
  elementType: 'float8_e4m3fn',
  decode: (codes) => decodeFloat8E4m3fn(codes as Uint8Array),
  factor: 2 ** 7,
  mask: ~0x4000,
  exponent: 8,
});
