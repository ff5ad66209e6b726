import type { ExecutionProvider } from '../device/ExecutionProvider.js';
import type { Graph } from './Graph.js';
import { lowerAttention } from './passes/AttentionLowering.js';
import { defaultAttention } from './passes/defaultAttention.js';
import { chunkFeedForward } from './passes/chunkFeedForward.js';
import { chunkJoinedChannels } from './passes/chunkJoinedChannels.js';
import { computeInFloat16 } from './passes/computeInFloat16.js';
import { lowerGroupNorm } from './passes/lowerGroupNorm.js';
import { projectByHeads } from './passes/projectByHeads.js';
import { splitWideWeights } from './passes/splitWideWeights.js';
import { widenWeights } from './passes/widenWeights.js';
import { type Convolution, chooseConvolution } from './passes/winograd/chooseConvolution.js';
import { takesWinograd, winogradConvolutions } from './passes/winogradConvolutions.js';

/** What a graph is lowered for. */
export interface LoweringOptions {
  /** The most that an operation may take for itself. */
  readonly bytes: number;
  /** The most that a weight which is stored in a narrower type may take as float32 before its layer is split. Default: `bytes`. */
  readonly weightBytes?: number | undefined;
  /** What it is computed in. */
  readonly activations: 'float32' | 'float16';
  /** Where it runs. */
  readonly provider: ExecutionProvider;
  /** How 3×3 convolutions are computed on the CPU, and what one may take for itself at once. Default: by the runtime's own kernel. */
  readonly convolution?: { readonly kind: Convolution; readonly bytes: number } | undefined;
}

/** From what plugins left of a graph to operators of the runtime. */
export function lowerGraph(
  graph: Graph,
  { bytes, weightBytes = bytes, activations, provider, convolution }: LoweringOptions,
): Graph {
  const attending = lowerAttention(graph, defaultAttention(bytes, provider));
  const isPlain = activations === 'float32' && provider === 'cpu';
  const chunked = chunkFeedForward(isPlain ? projectByHeads(attending, bytes) : attending, bytes);
  if (activations === 'float16') return lowerGroupNorm(computeInFloat16(chunked));
  if (provider !== 'cpu') return widenWeights(splitWideWeights(lowerGroupNorm(chunked), weightBytes));
  const convolved = convolve(chunkJoinedChannels(chunked, bytes), convolution);
  return widenWeights(splitWideWeights(lowerGroupNorm(convolved), weightBytes), { fast: true });
}

function convolve(graph: Graph, convolution: LoweringOptions['convolution']): Graph {
  if (convolution === undefined || !takesWinograd(graph)) return graph;
  return winogradConvolutions(graph, chooseConvolution(convolution.kind, convolution.bytes));
}
