import type { ExecutionProvider } from '../../device/ExecutionProvider.js';
import { DEFAULT_TRANSIENT_BYTES } from '../../device/MemoryBudget.js';
import type { AttentionLowering } from './AttentionLowering.js';
import { chunkedAttention, countChunks, scoreBudget } from './chunkedAttention.js';
import { fusedAttention } from './fusedAttention.js';

/** From more pieces on the runtime's fused kernel is what attention becomes: the pieces of plain attention grow with the square of the tokens, and each takes time to load. */
const MANY_PIECES = 256;

/**
 * What attention becomes where no plugin says otherwise: plain, in chunks of queries, as long as they are few; then the runtime's fused kernel, where it can. With less
 * memory than usual scores of many tokens are never written: each chunk's would be memory that the system gives and takes back, 5 of the 12 GB that a pass of SD 1.5's UNet asks for.
 */
export function defaultAttention(budget: number, provider: ExecutionProvider): AttentionLowering {
  const scores = scoreBudget(budget, provider);
  const usual = budget < DEFAULT_TRANSIENT_BYTES ? fusedAttention({ provider, budget }) : chunkedAttention(scores);
  const fused = fusedAttention({ provider, budget, fuseFrom: 0 });
  return (site, emit) => (countChunks(site, scores) > MANY_PIECES ? fused : usual)(site, emit);
}
