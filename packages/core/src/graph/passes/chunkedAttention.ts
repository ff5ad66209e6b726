import { DEFAULT_TRANSIENT_BYTES } from '../../device/MemoryBudget.js';
import type { Emitter } from '../Emitter.js';
import type { AttentionLowering, AttentionSite } from './AttentionLowering.js';
import { evenChunks } from './evenChunks.js';

/** Bytes that the scores of one chunk may take by default. */
export const DEFAULT_SCORE_BUDGET = DEFAULT_TRANSIENT_BYTES;

/**
 * Plain attention, softmax(q kᵀ / sqrt(d)) v, in chunks of queries whose scores [n, heads, chunk, k] in float32 stay within
 * `budget` bytes. One query is the least a chunk can hold.
 */
export function chunkedAttention(budget: number = DEFAULT_SCORE_BUDGET): AttentionLowering {
  return (site, emit) => {
    const query = emit.one('Mul', [headsFirst(site, emit, site.query), emit.constant('float32', [], [1 / Math.sqrt(site.headSize)])]);
    const key = headsFirst(site, emit, site.key, [0, 2, 3, 1]);
    const value = headsFirst(site, emit, site.value);
    const sizes = chunkSizes(site, budget);
    const chunks = sizes.length === 1 ? [query] : emit.many('Split', [query, emit.constant('int64', [sizes.length], sizes)], sizes.length, { axis: { int: 2 } });
    let first = 0;
    const parts = chunks.map((chunk, i) => {
      const size = sizes[i] as number;
      const scores = emit.one('MatMul', [chunk, key]);
      const masked = site.causal ? emit.one('Add', [scores, causalMask(emit, first, size, site.keys)]) : scores;
      first += size;
      return emit.one('MatMul', [emit.one('Softmax', [masked], { axis: { int: -1 } }), value]);
    });
    const joined = parts.length === 1 ? (parts[0] as string) : emit.one('Concat', parts, { axis: { int: 2 } });
    const tokens = emit.one('Transpose', [joined], { perm: { ints: [0, 2, 1, 3] } });
    emit.last('Reshape', [tokens, emit.constant('int64', [3], [0, 0, site.heads * site.headSize])], site.output);
  };
}

function headsFirst(site: AttentionSite, emit: Emitter, value: string, perm: readonly number[] = [0, 2, 1, 3]): string {
  const shape = emit.constant('int64', [4], [0, 0, site.heads, site.headSize]);
  return emit.one('Transpose', [emit.one('Reshape', [value, shape])], { perm: { ints: perm } });
}

function chunkSizes(site: AttentionSite, budget: number): number[] {
  return evenChunks(site.queries, budget / (site.batch * site.heads * site.keys * 4)).map(([, size]) => size);
}

function causalMask(emit: Emitter, first: number, queries: number, keys: number): string {
  const data = Array.from({ length: queries * keys }, (_, i) => (i % keys > first + Math.floor(i / keys) ? -Infinity : 0));
  return emit.constant('float32', [queries, keys], data);
}
