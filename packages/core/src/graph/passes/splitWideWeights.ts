import { DEFAULT_TRANSIENT_BYTES } from '../../device/MemoryBudget.js';
import { Emitter } from '../Emitter.js';
import { narrowWeightOf } from '../storage/storageFormats.js';
import { hasWholeRows } from '../../weights/TensorView.js';
import type { Graph, GraphNode, GraphWeight } from '../Graph.js';
import { type Chunk, evenChunks } from './evenChunks.js';
import { sliceWeight } from './sliceWeight.js';

const SPLITTABLE = new Set(['Gemm', 'Conv']);

/**
 * Splits convolutions and linear layers along their output channels where a weight that is stored in a narrower type would take more
 * than `budget` bytes as float32: each part's weight is widened, used and dropped before the next one's. Weights stored in float32 are
 * mapped, not widened, and stay whole; so do those that lie transposed, whose rows are not together, those whose rows share blocks, and layers that add a value which
 * is no weight.
 */
export function splitWideWeights(graph: Graph, budget: number = DEFAULT_TRANSIENT_BYTES): Graph {
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const constants = [...graph.constants];
  const nodes = graph.nodes.flatMap((node) => {
    const parts = partsOf(node, weights, budget);
    if (parts.length <= 1) return [node];
    const emit = new Emitter(node.name);
    splitNode(node, parts, weights, emit);
    constants.push(...emit.constants);
    return emit.nodes;
  });
  if (nodes.length === graph.nodes.length) return graph;
  const used = new Set(nodes.flatMap((node) => node.inputs));
  return graph.with({ nodes, constants, weights: [...weights.values()].filter((weight) => used.has(weight.name)) });
}

function partsOf(node: GraphNode, weights: ReadonlyMap<string, GraphWeight>, budget: number): readonly Chunk[] {
  const weight = weights.get(node.inputs[1] ?? '');
  if (!SPLITTABLE.has(node.op) || weight === undefined || weight.source?.transposed !== undefined) return [];
  if (!node.inputs.slice(2).every((name) => weights.has(name))) return [];
  const narrow = narrowWeightOf(weight);
  if (narrow === undefined || !hasWholeRows(narrow.weight.source)) return [];
  const [rows = 1, ...rest] = weight.dims;
  return evenChunks(rows, budget / (rest.reduce((a, b) => a * b, 1) * narrow.format.widenedBytes));
}

/** One node per part, each with its rows of the weight and of the bias, joined on the channel axis. */
function splitNode(node: GraphNode, parts: readonly Chunk[], weights: Map<string, GraphWeight>, emit: Emitter): void {
  const [x, ...parameters] = node.inputs as [string, ...string[]];
  const outputs = parts.map((rows) => {
    const sliced = parameters.map((name) => sliceWeight(weights.get(name) as GraphWeight, rows, weights));
    return emit.one(node.op, [x, ...sliced], { ...node.attributes }, node.domain);
  });
  emit.last('Concat', outputs, node.outputs[0] as string, { axis: { int: 1 } });
}
