import { checkNumber } from '../../fields/checkNumber.js';
import type { ExecutionProvider } from '../../device/ExecutionProvider.js';
import { DEFAULT_TRANSIENT_BYTES } from '../../device/MemoryBudget.js';
import type { Emitter } from '../Emitter.js';
import type { AttentionLowering, AttentionSite } from './AttentionLowering.js';
import { evenChunks, type Chunk } from './evenChunks.js';
import { FLOAT32_BYTES } from './float32Bytes.js';

/** Bytes that the scores of one chunk may take by default. */
export const DEFAULT_SCORE_BUDGET = DEFAULT_TRANSIENT_BYTES;

/** The scores of a chunk are written once and read twice at once: up to so many bytes of them stay in the CPU's last-level cache. */
const CACHED_SCORE_BYTES = 8 * 2 ** 20;

/** With fewer queries of all heads at a time, products are too flat for the processor to be busy, and heads are taken one by one. */
const WORTHWHILE_QUERIES = 64;

/**
 * The same where scores stay in the cache: a product packs all keys, or values, anew for each chunk, and of few queries that is much of its work. Measured with 4096 tokens in 8 heads of 40, AVX2: chunks of 8 MB
 * take 182 ms head by head, and 230 ms for all heads at once.
 */
const WORTHWHILE_CACHED_QUERIES = 512;

/** A graph of more pieces would take longer to load than to run: from there on the pieces grow, not their number. */
const MOST_CHUNKS = 4096;

/** WebGPU binds 16 buffers in one shader, of which Split takes one for each piece. */
const MOST_PIECES = 12;

/**
 * Plain attention, softmax(q kᵀ / sqrt(d)) v, in chunks of queries whose scores [n, heads, chunk, k] in float32 stay within
 * `budget` bytes; head by head where those of all heads would leave few queries, as with the many tokens of a video. One query of
 * one head is the least a chunk can hold.
 */
export function chunkedAttention(budget: number = DEFAULT_SCORE_BUDGET): AttentionLowering {
  checkNumber('budget', budget, 1);
  return (site, emit) => {
    const most = Math.max(budget, scoreBytes(site) / MOST_CHUNKS);
    if (attendsByHeads(site, most)) attendByHeads(site, emit, most);
    else attendInChunks(site, emit, most);
  };
}

/** The scores of a chunk where there is a budget: on the CPU no more than stay in its cache. Measured with 4096 tokens in 8 heads of 40, AVX2: 182 ms where chunks of 32 MB take 248. */
export function scoreBudget(budget: number, provider: ExecutionProvider): number {
  return provider === 'cpu' ? Math.min(budget, CACHED_SCORE_BYTES) : budget;
}

/** Into how many pieces attention falls within a budget. */
export function countChunks(site: AttentionSite, budget: number): number {
  return Math.max(attendsByHeads(site, budget) ? site.heads : 1, Math.ceil(scoreBytes(site) / budget));
}

/** Of all scores. */
function scoreBytes({ batch, heads, queries, keys }: AttentionSite): number {
  return batch * heads * queries * keys * FLOAT32_BYTES;
}

/** Whether so little is left for the scores of all heads that they are taken one by one. */
export function attendsByHeads(site: AttentionSite, budget: number): boolean {
  const worthwhile = budget > CACHED_SCORE_BYTES ? WORTHWHILE_QUERIES : WORTHWHILE_CACHED_QUERIES;
  return site.heads > 1 && budget / (scoreBytes(site) / site.queries) < Math.min(site.queries, worthwhile);
}

function attendByHeads(site: AttentionSite, emit: Emitter, budget: number): void {
  const groups = evenChunks(site.heads, 1);
  const widths = groups.map(([first, heads]): Chunk => [first * site.headSize, heads * site.headSize]);
  const [queries, keys, values] = [site.query, site.key, site.value].map((whole) =>
    splitAxis(emit, whole, widths, 2),
  ) as [readonly string[], readonly string[], readonly string[]];
  const { mask } = site;
  const masks = mask === undefined || mask.dims[1] === 1 ? undefined : splitAxis(emit, mask.name, groups, 1);
  const outputs = groups.map(([, heads], i) => {
    const output = `${site.output}/heads.${i}`;
    const own =
      mask === undefined || masks === undefined
        ? {}
        : { mask: { name: masks[i] as string, dims: [mask.dims[0], heads, mask.dims[2], mask.dims[3]] as const } };
    attendInChunks(
      {
        ...site,
        heads,
        query: queries[i] as string,
        key: keys[i] as string,
        value: values[i] as string,
        output,
        ...own,
      },
      emit,
      budget,
    );
    return output;
  });
  emit.last('Concat', outputs, site.output, { axis: { int: 2 } });
}

function attendInChunks(site: AttentionSite, emit: Emitter, budget: number): void {
  const query = emit.one('Mul', [
    headsFirst(site, emit, site.query),
    emit.constant('float32', [], [1 / Math.sqrt(site.headSize)]),
  ]);
  const key = headsFirst(site, emit, site.key, [0, 2, 3, 1]);
  const value = headsFirst(site, emit, site.value);
  const chunks = evenChunks(site.queries, budget / (site.batch * site.heads * site.keys * FLOAT32_BYTES));
  const queries = splitAxis(emit, query, chunks, 2);
  const masks =
    site.mask === undefined || site.mask.dims[2] === 1 ? undefined : splitAxis(emit, site.mask.name, chunks, 2);
  const parts = chunks.map((chunk, i) => {
    const mask = masks?.[i] ?? site.mask?.name;
    return attendChunk(emit, {
      query: queries[i] as string,
      key,
      value,
      mask,
      causal: site.causal ? causalMask(emit, chunk, site.keys) : undefined,
    });
  });
  const tokens = emit.one('Transpose', [joinAxis(emit, parts, 2)], { perm: { ints: [0, 2, 1, 3] } });
  emit.last('Reshape', [tokens, emit.constant('int64', [3], [0, 0, site.heads * site.headSize])], site.output);
}

/** Values of one chunk: `query` [..., chunk, d], already scaled, `key` [..., d, k], `value` [..., k, d], and what is added to the scores [..., chunk, k]. */
interface ChunkValues {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly mask: string | undefined;
  readonly causal: string | undefined;
}

/** softmax(query · key + masks) · value. */
export function attendChunk(emit: Emitter, { query, key, value, mask, causal }: ChunkValues): string {
  const scores = [mask, causal].reduce<string>(
    (sum, added) => (added === undefined ? sum : emit.one('Add', [sum, added])),
    emit.one('MatMul', [query, key]),
  );
  return emit.one('MatMul', [emit.one('Softmax', [scores], { axis: { int: -1 } }), value]);
}

/** [n, tokens, heads · d] → [n, heads, tokens, d], or as `perm` orders [n, tokens, heads, d]. */
export function headsFirst(
  site: AttentionSite,
  emit: Emitter,
  value: string,
  perm: readonly number[] = [0, 2, 1, 3],
): string {
  const shape = emit.constant('int64', [4], [0, 0, site.heads, site.headSize]);
  return emit.one('Transpose', [emit.one('Reshape', [value, shape])], { perm: { ints: perm } });
}

/** Cuts a value along an axis, in stages where there are many pieces; one piece is the value itself. */
export function splitAxis(emit: Emitter, value: string, chunks: readonly Chunk[], axis: number): readonly string[] {
  if (chunks.length === 1) return [value];
  if (chunks.length <= MOST_PIECES)
    return emit.many(
      'Split',
      [
        value,
        emit.constant(
          'int64',
          [chunks.length],
          chunks.map(([, count]) => count),
        ),
      ],
      chunks.length,
      { axis: { int: axis } },
    );
  const groups = Array.from({ length: Math.ceil(chunks.length / MOST_PIECES) }, (_, i) =>
    chunks.slice(i * MOST_PIECES, (i + 1) * MOST_PIECES),
  );
  const wholes = splitAxis(
    emit,
    value,
    groups.map((group): Chunk => [(group[0] as Chunk)[0], group.reduce((sum, [, count]) => sum + count, 0)]),
    axis,
  );
  return groups.flatMap((group, i) => splitAxis(emit, wholes[i] as string, group, axis));
}

/** The pieces put together along an axis. */
export function joinAxis(emit: Emitter, parts: readonly string[], axis: number): string {
  return parts.length === 1 ? (parts[0] as string) : emit.one('Concat', parts, { axis: { int: axis } });
}

/** [queries, keys]: what keeps the queries of a chunk from seeing later keys. */
export function causalMask(emit: Emitter, [first, queries]: Chunk, keys: number): string {
  const data = Array.from<number>({ length: queries * keys }).fill(0);
  for (let query = 0; query < queries; query++)
    data.fill(-Infinity, query * keys + first + query + 1, (query + 1) * keys);
  return emit.constant('float32', [queries, keys], data);
}
