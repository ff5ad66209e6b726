import type { Emitter } from '../Emitter.js';
import type { AttentionLowering, AttentionSite } from './AttentionLowering.js';
import { attendChunk, causalMask, DEFAULT_SCORE_BUDGET, headsFirst, joinAxis, splitAxis } from './chunkedAttention.js';
import { type Chunk, evenChunks } from './evenChunks.js';
import { FLOAT32_BYTES } from './float32Bytes.js';

/** How many pairs of sample and head are computed at once: a number; 'auto', half the heads; 'max', one at a time. */
export type SliceSize = number | 'auto' | 'max';

/**
 * Plain attention in slices of `sliceSize` out of the batch · heads pairs (source: diffusers models/attention_processor.py
 * `SlicedAttnProcessor`). Unlike there, a slice whose scores [slice, q, k] would take more than `budget` bytes is cut along its queries too.
 */
export function slicedAttention(sliceSize: SliceSize, budget: number = DEFAULT_SCORE_BUDGET): AttentionLowering {
  return (site, emit) => {
    const pairs = site.batch * site.heads;
    const slices = slicesOf(pairs, sizeFor(sliceSize, site.heads));
    const query = emit.one('Mul', [
      byPair(site, emit, site.query, [pairs, site.queries, site.headSize]),
      emit.constant('float32', [], [1 / Math.sqrt(site.headSize)]),
    ]);
    const key = byPair(site, emit, site.key, [pairs, site.headSize, site.keys], [0, 2, 3, 1]);
    const value = byPair(site, emit, site.value, [pairs, site.keys, site.headSize]);
    const mask = site.mask === undefined ? undefined : maskByPair(site, emit, pairs);
    const [queries, keys, values] = [query, key, value].map((whole) => splitAxis(emit, whole, slices, 0)) as [
      readonly string[],
      readonly string[],
      readonly string[],
    ];
    const masks = mask === undefined ? undefined : splitAxis(emit, mask, slices, 0);
    const parts = slices.map(([, count], i) =>
      attendSlice(site, emit, budget / count, {
        query: queries[i] as string,
        key: keys[i] as string,
        value: values[i] as string,
        mask: masks?.[i],
      }),
    );
    const shape = emit.constant('int64', [4], [site.batch, site.heads, site.queries, site.headSize]);
    const tokens = emit.one('Transpose', [emit.one('Reshape', [joinAxis(emit, parts, 0), shape])], {
      perm: { ints: [0, 2, 1, 3] },
    });
    emit.last('Reshape', [tokens, emit.constant('int64', [3], [0, 0, site.heads * site.headSize])], site.output);
  };
}

function attendSlice(
  site: AttentionSite,
  emit: Emitter,
  bytesPerPair: number,
  { query, mask, ...rest }: { query: string; key: string; value: string; mask: string | undefined },
): string {
  const chunks = evenChunks(site.queries, bytesPerPair / (site.keys * FLOAT32_BYTES));
  const queries = splitAxis(emit, query, chunks, 1);
  const masks = mask === undefined || site.mask?.dims[2] === 1 ? undefined : splitAxis(emit, mask, chunks, 1);
  const parts = chunks.map((chunk, i) =>
    attendChunk(emit, {
      ...rest,
      query: queries[i] as string,
      mask: masks?.[i] ?? mask,
      causal: site.causal ? causalMask(emit, chunk, site.keys) : undefined,
    }),
  );
  return joinAxis(emit, parts, 1);
}

/** [n, tokens, heads · d] → [n · heads, …], each pair of sample and head by itself. */
function byPair(
  site: AttentionSite,
  emit: Emitter,
  value: string,
  dims: readonly number[],
  perm?: readonly number[],
): string {
  return emit.one('Reshape', [headsFirst(site, emit, value, perm), emit.constant('int64', [3], dims)]);
}

/** [1 or n, 1 or heads, 1 or q, k] → [n · heads, 1 or q, k]. */
function maskByPair({ mask, batch, heads, keys }: AttentionSite, emit: Emitter, pairs: number): string {
  const {
    name,
    dims: [, , rows],
  } = mask as NonNullable<AttentionSite['mask']>;
  const whole = emit.one('Expand', [name, emit.constant('int64', [4], [batch, heads, rows, keys])]);
  return emit.one('Reshape', [whole, emit.constant('int64', [3], [pairs, rows, keys])]);
}

function sizeFor(sliceSize: SliceSize, heads: number): number {
  if (sliceSize === 'max') return 1;
  return sliceSize === 'auto' ? Math.max(1, Math.floor(heads / 2)) : sliceSize;
}

/** As many slices as diffusers makes: all of `size` but the last. */
function slicesOf(pairs: number, size: number): readonly Chunk[] {
  return Array.from({ length: Math.ceil(pairs / size) }, (_, i) => [i * size, Math.min(size, pairs - i * size)]);
}
