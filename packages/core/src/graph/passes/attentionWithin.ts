import type { AttentionLowering } from './AttentionLowering.js';
import { chunkedAttention } from './chunkedAttention.js';
import { evenChunks } from './evenChunks.js';

/** With fewer queries at a time the matrices are too flat for the processor to be busy (measured on the CPU provider with 17,776 tokens). */
const WORTHWHILE_QUERIES = 256;
const FLOAT32_BYTES = 4;

/**
 * {@link chunkedAttention}, for some heads at a time where the scores of all heads would leave room for few queries only, as with the many tokens
 * of a video.
 */
export function attentionWithin(budget: number): AttentionLowering {
  const chunked = chunkedAttention(budget);
  return (site, emit) => {
    const queries = Math.min(site.queries, WORTHWHILE_QUERIES);
    const groups = evenChunks(site.heads, budget / (site.batch * site.keys * queries * FLOAT32_BYTES));
    if (groups.length === 1) {
      chunked(site, emit);
      return;
    }
    const sizes = emit.constant('int64', [groups.length], groups.map(([, heads]) => heads * site.headSize));
    const [query, key, value] = [site.query, site.key, site.value].map((name) => emit.many('Split', [name, sizes], groups.length, { axis: { int: 2 } })) as [string[], string[], string[]];
    const outputs = groups.map(([, heads], i) => {
      const output = `${site.output}/heads.${i}`;
      chunked({ ...site, heads, query: query[i] as string, key: key[i] as string, value: value[i] as string, output }, emit);
      return output;
    });
    emit.last('Concat', outputs, site.output, { axis: { int: 2 } });
  };
}
