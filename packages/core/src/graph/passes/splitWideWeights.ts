import { DEFAULT_TRANSIENT_BYTES } from '../../device/MemoryBudget.js';
import { Emitter } from '../Emitter.js';
import type { ElementType, Graph, GraphNode, GraphWeight, WeightSource } from '../Graph.js';
import { type Chunk, evenChunks } from './evenChunks.js';
import { FLOAT32_BYTES } from './float32Bytes.js';

const SPLITTABLE = new Set(['Gemm', 'Conv']);
/** What an element takes while it is widened: as float32, and beside it the float16 that an eight-bit float becomes first. */
const WIDENING_BYTES: Partial<Record<ElementType, number>> = { float8_e4m3fn: 6, float8_e5m2: 6 };

/**
 * Splits convolutions and linear layers along their output channels where a weight that is stored in a narrower type would take more
 * than `budget` bytes as float32: each part's weight is widened, used and dropped before the next one's. Weights stored in float32 are
 * mapped, not widened, and stay whole.
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
  if (!SPLITTABLE.has(node.op) || weight === undefined || weight.type === 'float32') return [];
  const [rows = 1, ...rest] = weight.dims;
  const bytesPerRow = rest.reduce((a, b) => a * b, 1) * (WIDENING_BYTES[weight.type] ?? FLOAT32_BYTES);
  return evenChunks(rows, budget / bytesPerRow);
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

function sliceWeight(weight: GraphWeight, [start, count]: Chunk, weights: Map<string, GraphWeight>): string {
  const name = `${weight.name}/rows.${start}`;
  const [rows = 1, ...rest] = weight.dims;
  const source = weight.source === undefined ? {} : { source: sliceSource(weight.source, rows, start, count) };
  const scale = weight.scale === undefined ? {} : { scale: sliceSource(weight.scale, rows, start, count) };
  weights.set(name, {
    ...weight,
    ...source,
    ...scale,
    name,
    dims: [count, ...rest],
    rows: [weight.rows[0] + start, count],
  });
  return name;
}

function sliceSource(
  { file, offset, byteLength }: WeightSource,
  rows: number,
  start: number,
  count: number,
): WeightSource {
  const bytesPerRow = byteLength / rows;
  return { file, offset: offset + start * bytesPerRow, byteLength: count * bytesPerRow };
}
