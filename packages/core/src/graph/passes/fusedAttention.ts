import { chunkedAttention } from './chunkedAttention.js';
import type { AttentionLowering } from './AttentionLowering.js';

/** From this many queries and keys on, the runtime's fused kernel beats plain attention in chunks (measured on the CPU provider). */
const WORTH_FUSING = 2048;

/**
 * The runtime's fused kernel (`com.microsoft.MultiHeadAttention`, flash attention on the CPU provider) where it is faster and
 * knows the case, plain attention in chunks elsewhere.
 */
export function fusedAttention(): AttentionLowering {
  const plain = chunkedAttention();
  return (site, emit) => {
    if (site.causal || site.queries < WORTH_FUSING || site.keys < WORTH_FUSING) {
      plain(site, emit);
      return;
    }
    emit.last('MultiHeadAttention', [site.query, site.key, site.value], site.output, { num_heads: { int: site.heads } }, 'com.microsoft');
  };
}
