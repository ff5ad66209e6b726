import { builderOf } from '../operations.js';
import type { Value } from '../Value.js';

/**
 * Turns pairs of neighbouring features of each head by the angles of their token's position (arXiv 2104.09864).
 *
 * @param x [n, tokens, heads · d]
 * @param cosines [tokens, d / 2], one for each pair, and `sines` alike
 */
export function rotaryEmbedding(x: Value, cosines: Value, sines: Value, heads: number): Value {
  const builder = builderOf(x);
  const offset = builder.constant('int64', [1], [0]);
  return builder.emit(
    'RotaryEmbedding',
    [x, offset, cosines, sines],
    { dims: x.dims },
    {
      interleaved: { int: 1 },
      num_heads: { int: heads },
      rotary_embedding_dim: { int: 0 },
    },
    'com.microsoft',
  );
}
