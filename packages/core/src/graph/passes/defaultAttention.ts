import type { ExecutionProvider } from '../../device/ExecutionProvider.js';
import type { AttentionLowering } from './AttentionLowering.js';
import { chunkedAttention, countChunks } from './chunkedAttention.js';
import { fusedAttention } from './fusedAttention.js';

/** From more pieces on the runtime's fused kernel is what attention becomes: the pieces of plain attention grow with the square of the tokens, and each takes time to load. */
const MANY_PIECES = 256;

/** What attention becomes where no plugin says otherwise: plain, in chunks of queries, as long as they are few; then the runtime's fused kernel, where it can. */
export function defaultAttention(budget: number, provider: ExecutionProvider): AttentionLowering {
  const [plain, fused] = [chunkedAttention(budget), fusedAttention({ provider, budget, fuseFrom: 0 })];
  return (site, emit) => (countChunks(site, budget) > MANY_PIECES ? fused : plain)(site, emit);
}
