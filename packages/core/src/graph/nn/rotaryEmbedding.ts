import { checkMembers } from '../../fields/checkMembers.js';
import { builderOf } from '../operations.js';
import type { Value } from '../Value.js';

/** Options of {@link rotaryEmbedding}. */
export interface RotaryOptions {
  readonly heads: number;
  /** Whether a pair is two neighbouring features, or one of a head's first half and one of its second. Default true. */
  readonly interleaved?: boolean | undefined;
}

/**
 * Turns pairs of features of each head by the angles of their token's position (arXiv 2104.09864).
 *
 * @param x [n, tokens, heads · d]
 * @param cosines [tokens, d / 2], one for each pair, and `sines` alike
 */
export function rotaryEmbedding(x: Value, cosines: Value, sines: Value, options: RotaryOptions): Value {
  checkMembers('options', options, 'options with heads', ['heads']);
  for (const each of [x, cosines, sines]) builderOf(each);
  const { heads, interleaved = true } = options;
  const builder = builderOf(x);
  const offset = builder.constant('int64', [1], [0]);
  return builder.emit(
    'RotaryEmbedding',
    [x, offset, cosines, sines],
    { dims: x.dims },
    {
      interleaved: { int: interleaved ? 1 : 0 },
      num_heads: { int: heads },
      rotary_embedding_dim: { int: 0 },
    },
    'com.microsoft',
  );
}
