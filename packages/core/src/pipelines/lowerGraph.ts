import type { Graph } from '../graph/Graph.js';
import { lowerAttention } from '../graph/passes/AttentionLowering.js';
import { chunkedAttention } from '../graph/passes/chunkedAttention.js';
import { chunkFeedForward } from '../graph/passes/chunkFeedForward.js';
import { computeInFloat16 } from '../graph/passes/computeInFloat16.js';
import { lowerGroupNorm } from '../graph/passes/lowerGroupNorm.js';
import { splitWideWeights } from '../graph/passes/splitWideWeights.js';
import { widenWeights } from '../graph/passes/widenWeights.js';

/** From what plugins left of a graph to operators of the runtime, in pieces of at most `bytes` for themselves, computed in `activations`. */
export function lowerGraph(graph: Graph, bytes: number, activations: 'float32' | 'float16' = 'float32'): Graph {
  const chunked = chunkFeedForward(lowerAttention(graph, chunkedAttention(bytes)), bytes);
  if (activations === 'float16') return lowerGroupNorm(computeInFloat16(chunked));
  return widenWeights(splitWideWeights(lowerGroupNorm(chunked), bytes));
}
