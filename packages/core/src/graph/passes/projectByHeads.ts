import { checkNumber } from '../../fields/checkNumber.js';
import { hasWholeRows } from '../../weights/TensorView.js';
import { checkGraph } from '../checkGraph.js';
import { Emitter } from '../Emitter.js';
import type { Graph, GraphNode, GraphWeight } from '../Graph.js';
import { intOf } from '../intOf.js';
import { Wiring } from '../Wiring.js';
import type { Chunk } from './evenChunks.js';
import { FLOAT32_BYTES } from './float32Bytes.js';
import { sliceWeight } from './sliceWeight.js';

/** Pieces are cut again, so that no split has too many outputs. */
const MOST_STAGES = 4;

/** What becomes of [n, tokens, heads · d] on the way from a linear layer to attention, feature by feature or head by head. */
const BY_HEADS = new Set([
  'Gemm',
  'Reshape',
  'SimplifiedLayerNormalization',
  'LayerNormalization',
  'RotaryEmbedding',
  'Concat',
]);

/**
 * Queries, keys and values that attention takes some heads at a time are made some heads at a time, where they take more than `bytes`: the linear layers, the norms and the rotations in front of a `Split` of
 * features are computed for each of its pieces, from those rows of the layers' weights. So none of the three is ever there as a whole. Heads do not know of each other, so the result is the same.
 */
export function projectByHeads(graph: Graph, bytes: number): Graph {
  checkGraph(graph);
  checkNumber('bytes', bytes, 1);
  let projected = graph;
  for (let stage = 0; stage < MOST_STAGES; stage++) {
    const next = projectSplits(projected, bytes);
    if (next === projected) break;
    projected = next;
  }
  return projected;
}

function projectSplits(graph: Graph, bytes: number): Graph {
  const splits = graph.nodes.filter((node) => splitsFeatures(graph, node));
  if (splits.length === 0) return graph;
  const projections = new Projections(graph, bytes);
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const shapes = new Map(graph.shapes);
  const constants = [...graph.constants];
  const replaced = new Map<GraphNode, readonly GraphNode[]>();
  for (const split of splits) {
    const chain = projections.behind(split.inputs[0] as string, split);
    const counts = graph.constants.find(({ name }) => name === split.inputs[1])?.data;
    if (chain === undefined || counts?.length !== split.outputs.length) continue;
    if (!counts.every((count) => areWholeHeads(graph, chain, count))) continue;
    const emit = new Emitter(`${split.name}/projected`);
    let start = 0;
    for (const [i, count] of counts.entries()) {
      emitPiece(chain, { output: split.outputs[i] as string, chunk: [start, count] }, emit, { graph, weights, shapes });
      start += count;
    }
    for (const node of chain) replaced.set(node, []);
    replaced.set(split, emit.nodes);
    constants.push(...emit.constants);
  }
  if (replaced.size === 0) return graph;
  const nodes = graph.nodes.flatMap((node) => replaced.get(node) ?? [node]);
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  return graph.with({ nodes, constants, shapes, weights: [...weights.values()].filter(({ name }) => used.has(name)) });
}

/** Whether a node cuts [n, tokens, features] along the features. */
function splitsFeatures(graph: Graph, node: GraphNode): boolean {
  const rank = graph.shapes.get(node.inputs[0] as string)?.length;
  return node.op === 'Split' && rank === 3 && intOf(node, 'axis') === 2;
}

/** Finds what queries, keys and values are made of. */
export class Projections {
  readonly #graph: Graph;
  readonly #bytes: number;
  readonly #wiring: Wiring;
  readonly #weights: ReadonlyMap<string, GraphWeight>;
  readonly #constants: ReadonlySet<string>;

  constructor(graph: Graph, bytes: number) {
    this.#graph = graph;
    this.#bytes = bytes;
    this.#wiring = new Wiring(graph);
    this.#weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
    this.#constants = new Set(graph.constants.map(({ name }) => name));
  }

  /** In order, the nodes that make a large value [n, tokens, features], from linear layers on, some of whose features can be made without the others; `undefined` where there is more to it. `reader`: who reads it. */
  behind(value: string, reader: GraphNode): readonly GraphNode[] | undefined {
    const dims = this.#graph.shapes.get(value) ?? [];
    if (dims.length !== 3 || dims.reduce((a, b) => a * b, FLOAT32_BYTES) <= this.#bytes) return undefined;
    const members = new Set<GraphNode>();
    if (!this.#collect(value, { width: dims[2] as number, reader, members })) return undefined;
    return this.#graph.nodes.filter((node) => members.has(node));
  }

  /** Adds what makes a value, as far as it is made for this reader alone. */
  #collect(
    value: string,
    {
      width,
      reader,
      members,
    }: { readonly width: number; readonly reader: GraphNode; readonly members: Set<GraphNode> },
  ): boolean {
    const node = this.#wiring.makerOf(value);
    const readers = this.#wiring.readersOf(value);
    if (node === undefined || this.#wiring.isOutput(value) || readers.length > 1 || readers[0] !== reader) return false;
    if (!BY_HEADS.has(node.op) || !this.#isByHeads(node, width)) return false;
    members.add(node);
    if (node.op === 'Gemm') return true;
    const sources = node.op === 'Concat' ? node.inputs : node.inputs.slice(0, 1);
    return sources.every((source) => this.#collect(source, { width, reader: node, members }));
  }

  #isByHeads(node: GraphNode, width: number): boolean {
    const [source = '', parameter = ''] = node.inputs;
    const from = this.#graph.shapes.get(source) ?? [];
    const to = this.#graph.shapes.get(node.outputs[0] as string) ?? [];
    switch (node.op) {
      case 'Gemm':
        return (
          to[1] === width && intOf(node, 'transB') === 1 && node.inputs.slice(1).every((name) => this.#canSlice(name))
        );
      case 'Reshape':
        return featuresOf(from) === width && featuresOf(to) === width && this.#constants.has(parameter);
      case 'Concat':
        return to.length === 3 && intOf(node, 'axis') === 1;
      case 'RotaryEmbedding':
        return from.length === 3 && intOf(node, 'num_heads') > 0;
      default:
        return from.length === 4 && intOf(node, 'axis') === -1;
    }
  }

  /** Whether a value is a weight of which there can be some rows. */
  #canSlice(name: string): boolean {
    const weight = this.#weights.get(name);
    if (weight?.type !== 'float32') return false;
    return weight.source === undefined || (hasWholeRows(weight.source) && weight.source.swapped !== true);
  }
}

/** Of [rows, features], [n, tokens, features], or [n, tokens, heads, d]. */
function featuresOf(dims: readonly number[]): number {
  return dims.slice(dims.length === 4 ? 2 : -1).reduce((a, b) => a * b, 1);
}

/** Whether so many features are whole heads, where something is done head by head. */
function areWholeHeads(graph: Graph, chain: readonly GraphNode[], features: number): boolean {
  return chain.every((node) => {
    const whole = graph.shapeOf(node.outputs[0] as string);
    if (whole.length === 4) return features % (whole[3] as number) === 0;
    return node.op !== 'RotaryEmbedding' || Number.isInteger(headsOf(node, whole, [0, features]));
  });
}

/** Some features of a value: the same nodes, for some heads. */
function emitPiece(
  chain: readonly GraphNode[],
  { output, chunk }: { readonly output: string; readonly chunk: Chunk },
  emit: Emitter,
  {
    graph,
    weights,
    shapes,
  }: {
    readonly graph: Graph;
    readonly weights: Map<string, GraphWeight>;
    readonly shapes: Map<string, readonly number[]>;
  },
): void {
  const renamed = new Map<string, string>();
  for (const node of chain) {
    const [result] = node.outputs as [string];
    const whole = graph.shapeOf(result);
    const dims = someOf(whole, chunk[1]);
    const inputs = node.inputs.map((name) => renamed.get(name) ?? name);
    if (node.op === 'Gemm')
      for (const [i, name] of node.inputs.entries())
        if (i > 0) inputs[i] = sliceWeight(weights.get(name) as GraphWeight, chunk, weights);
    if (node.op === 'Reshape') inputs[1] = emit.constant('int64', [dims.length], patternOf(graph, node, dims));
    const heads = node.op === 'RotaryEmbedding' ? { num_heads: { int: headsOf(node, whole, chunk) } } : {};
    const attributes = { ...node.attributes, ...heads };
    if (node === chain.at(-1)) {
      emit.last(node.op, inputs, output, attributes, node.domain);
      shapes.set(output, dims);
    } else {
      const value = emit.one(node.op, inputs, attributes, node.domain);
      renamed.set(result, value);
      shapes.set(value, dims);
    }
  }
}

/** A shape with so many features. */
function someOf(dims: readonly number[], features: number): readonly number[] {
  const [last = 1] = dims.slice(-1);
  return dims.length === 4 ? [...dims.slice(0, 2), features / last, last] : [...dims.slice(0, -1), features];
}

/** What a reshape goes by: where it says sizes, those of some features. */
function patternOf({ constants }: Graph, node: GraphNode, dims: readonly number[]): readonly number[] {
  const pattern = constants.find(({ name }) => name === node.inputs[1])?.data ?? dims;
  const at = dims.length === 4 ? 2 : dims.length - 1;
  return pattern.map((size, axis) => (axis === at && size > 0 ? (dims[axis] as number) : size));
}

function headsOf(node: GraphNode, whole: readonly number[], [, features]: Chunk): number {
  return (intOf(node, 'num_heads') * features) / (whole.at(-1) as number);
}
