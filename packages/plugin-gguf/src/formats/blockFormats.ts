import type { StorageFormat } from '@thimble/core/plugin';
import { iq4NL, iq4XS } from './iq4.js';
import { q2K } from './q2K.js';
import { q3K } from './q3K.js';
import { q4_0, q4_1 } from './q4.js';
import { q4K, q5K } from './q4K.js';
import { q5_0, q5_1 } from './q5.js';
import { q6K } from './q6K.js';
import { q8_0 } from './q8_0.js';

/** The formats of blocks that weights may be stored in, beside F32, F16 and BF16, which core has. */
export const blockFormats: readonly StorageFormat[] = [
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2K,
  q3K,
  q4K,
  q5K,
  q6K,
  iq4NL,
  iq4XS,
];
