import { checkNumber } from '../../fields/checkNumber.js';
import { checkOptionNames } from '../../fields/checkOptionNames.js';
import type { ExecutionProvider } from '../../device/ExecutionProvider.js';
import type { Emitter } from '../Emitter.js';
import type { AttentionLowering, AttentionSite } from './AttentionLowering.js';
import { chunkedAttention, DEFAULT_SCORE_BUDGET, scoreBudget, splitAxis } from './chunkedAttention.js';
import { evenChunks } from './evenChunks.js';
import { FLOAT32_BYTES } from './float32Bytes.js';

/** From this many queries and keys on, the CPU's fused kernel beats plain attention in chunks (measured). */
const WORTH_FUSING = 2048;

/** Options of {@link fusedAttention}. */
export interface FusedAttentionOptions {
  /** Where the graph runs. Default 'cpu'. */
  readonly provider?: ExecutionProvider | undefined;
  /** Bytes that scores may take where attention stays plain, and what the CPU's kernel copies where it is fused. Default 32 MB. */
  readonly budget?: number | undefined;
  /** On the CPU: attention over fewer queries or keys stays plain. Default 2048. */
  readonly fuseFrom?: number | undefined;
}

/**
 * The runtime's fused kernel (`com.microsoft.MultiHeadAttention`, flash attention), at any head size. On the CPU, whose kernel is fused only without a
 * mask and pays only from 2048 tokens on, plain attention in chunks elsewhere.
 */
export function fusedAttention(options: FusedAttentionOptions = {}): AttentionLowering {
  checkOptionNames(options, ['provider', 'budget', 'fuseFrom'], 'fusedAttention');
  const { provider = 'cpu', budget = DEFAULT_SCORE_BUDGET, fuseFrom = WORTH_FUSING } = options;
  checkNumber('fuseFrom', fuseFrom, 0);
  const plain = chunkedAttention(scoreBudget(budget, provider));
  return (site, emit) => {
    if (!isFused(site, provider, fuseFrom)) plain(site, emit);
    else if (provider === 'cpu') emitByHeads(site, emit, budget);
    else emitFused(site, emit);
  };
}

function isFused(
  { causal, mask, queries, keys }: AttentionSite,
  provider: ExecutionProvider,
  fuseFrom: number,
): boolean {
  // The kernel counts a causal mask from the last key, the composite from the first.
  if (provider !== 'cpu') return !causal || queries === keys;
  return !causal && mask === undefined && queries >= fuseFrom && keys >= fuseFrom;
}

function emitFused(site: AttentionSite, emit: Emitter): void {
  const inputs = [site.query, site.key, site.value];
  // Inputs 3 and 4 are a packed bias and a key padding mask.
  if (site.mask !== undefined) inputs.push('', '', biasOf(site, emit));
  emit.last(
    'MultiHeadAttention',
    inputs,
    site.output,
    { num_heads: { int: site.heads }, ...(site.causal ? { unidirectional: { int: 1 } } : {}) },
    'com.microsoft',
  );
}

/** The CPU's kernel copies query, key and value in another order: where that takes more than `budget` bytes, it gets some heads at a time. */
function emitByHeads(site: AttentionSite, emit: Emitter, budget: number): void {
  const bytesPerHead = site.batch * (site.queries + 2 * site.keys) * site.headSize * FLOAT32_BYTES;
  const groups = evenChunks(site.heads, budget / bytesPerHead);
  if (groups.length === 1) {
    emitFused(site, emit);
    return;
  }
  const widths = groups.map(([start, count]) => [start * site.headSize, count * site.headSize] as const);
  const [queries, keys, values] = [site.query, site.key, site.value].map((whole) =>
    splitAxis(emit, whole, widths, 2),
  ) as [readonly string[], readonly string[], readonly string[]];
  const parts = groups.map(([, heads], i) =>
    emit.one(
      'MultiHeadAttention',
      [queries[i] as string, keys[i] as string, values[i] as string],
      { num_heads: { int: heads } },
      'com.microsoft',
    ),
  );
  emit.last('Concat', parts, site.output, { axis: { int: 2 } });
}

/** The kernel repeats a bias over samples and heads, not over queries. */
function biasOf({ mask, queries, keys }: AttentionSite, emit: Emitter): string {
  const {
    name,
    dims: [samples, heads, rows],
  } = mask as NonNullable<AttentionSite['mask']>;
  return rows === queries
    ? name
    : emit.one('Expand', [name, emit.constant('int64', [4], [samples, heads, queries, keys])]);
}
