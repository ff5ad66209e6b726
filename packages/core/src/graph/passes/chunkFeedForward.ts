import { checkNumber } from '../../fields/checkNumber.js';
import { checkGraph } from '../checkGraph.js';
import { Emitter } from '../Emitter.js';
import type { Graph, GraphNode, GraphWeight } from '../Graph.js';
import { narrowWeightOf } from '../storage/storageFormats.js';
import { evenChunks } from './evenChunks.js';
import { FLOAT32_BYTES } from './float32Bytes.js';

/** Operations that work on each element alone, or that only rename the axes in front of the features. */
const ROW_WISE = new Set(['Mul', 'Add', 'Gelu', 'Sigmoid', 'Relu', 'Mish', 'Tanh', 'Reshape']);

/**
 * A layer falls into no more pieces, however little they may take: their hidden features are a few times as wide as what goes in and comes out, so those of a
 * hundredth of the rows are small beside it.
 */
const MOST_PIECES = 128;

/** Linear layers that read the same rows, what is done with their outputs row by row, and the linear layer that ends it. */
interface FeedForwardRegion {
  readonly input: string;
  /** Other names of the same rows: each layer may have flattened them for itself. */
  readonly aliases: readonly string[];
  /** In order; the last one is the ending layer. */
  readonly nodes: readonly GraphNode[];
  readonly hiddenBytesPerRow: number;
  readonly rows: number;
}

/**
 * Computes feed-forward layers in chunks of rows where their hidden features [rows, hidden] would take more than `budget` bytes
 * (diffusers' `chunk_feed_forward`): rows do not know of each other, so the result is the same.
 */
export function chunkFeedForward(graph: Graph, budget: number): Graph {
  checkGraph(graph);
  checkNumber('budget', budget, 1);
  const finder = new RegionFinder(graph, budget);
  const constants = [...graph.constants];
  const shapes = new Map(graph.shapes);
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const taken = new Set<GraphNode>();
  const replaced = new Map<GraphNode, readonly GraphNode[]>();
  for (const node of graph.nodes) {
    const region = taken.has(node) ? undefined : finder.from(node);
    if (region === undefined) continue;
    const emit = new Emitter(`${node.name}/chunks`);
    emitChunks(region, budget, emit, { shapes, weights });
    for (const member of region.nodes) taken.add(member);
    // In the place of the last one: everything that the others read is there by then.
    replaced.set(region.nodes.at(-1) as GraphNode, emit.nodes);
    constants.push(...emit.constants);
  }
  if (replaced.size === 0) return graph;
  return graph.with({
    nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? (taken.has(node) ? [] : [node])),
    constants,
    shapes,
    weights: [...weights.values()],
  });
}

class RegionFinder {
  readonly #graph: Graph;
  readonly #budget: number;
  readonly #consumers = new Map<string, GraphNode[]>();
  readonly #fixed: ReadonlySet<string>;
  readonly #outputs: ReadonlySet<string>;

  constructor(graph: Graph, budget: number) {
    this.#graph = graph;
    this.#budget = budget;
    for (const node of graph.nodes)
      for (const input of new Set(node.inputs))
        this.#consumers.set(input, [...(this.#consumers.get(input) ?? []), node]);
    // What has more than one axis may have rows of its own.
    this.#fixed = new Set(
      [...graph.constants, ...graph.weights].filter(({ dims }) => dims.length <= 1).map(({ name }) => name),
    );
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
  }

  /** The region that begins with a linear layer, if its outputs are too large and it has an end. */
  from(first: GraphNode): FeedForwardRegion | undefined {
    if (first.op !== 'Gemm') return undefined;
    const input = first.inputs[0] as string;
    const [rows = 0, hidden = 0] = this.#graph.shapes.get(first.outputs[0] as string) ?? [];
    if (rows * hidden * FLOAT32_BYTES <= this.#budget || rows < 2) return undefined;
    const aliases = this.#aliasesOf(input);
    const starts = aliases.flatMap((name) =>
      (this.#consumers.get(name) ?? []).filter((node) => node.op === 'Gemm' && node.inputs[0] === name),
    );
    const nodes = this.#grow(starts);
    return nodes === undefined ? undefined : { input, aliases, nodes, rows, hiddenBytesPerRow: hidden * FLOAT32_BYTES };
  }

  /** Every value that is the same reshaping of the same value, itself included. */
  #aliasesOf(input: string): readonly string[] {
    const made = this.#graph.nodes.find((node) => node.outputs[0] === input);
    if (made?.op !== 'Reshape') return [input];
    return (this.#consumers.get(made.inputs[0] as string) ?? [])
      .filter((node) => node.op === 'Reshape' && node.inputs.join() === made.inputs.join())
      .map((node) => node.outputs[0] as string);
  }

  /** Follows every value until all ways meet in one linear layer. */
  #grow(starts: readonly GraphNode[]): readonly GraphNode[] | undefined {
    const members = new Set(starts);
    const known = new Set(starts.flatMap((node) => node.outputs));
    let end: GraphNode | undefined;
    for (const node of this.#graph.nodes) {
      if (members.has(node) || !node.inputs.some((name) => known.has(name))) continue;
      if (node.op === 'Gemm' && known.has(node.inputs[0] as string) && end === undefined) {
        end = node;
        continue;
      }
      if (
        end !== undefined ||
        !ROW_WISE.has(node.op) ||
        !node.inputs.every((name) => known.has(name) || this.#fixed.has(name))
      )
        return undefined;
      members.add(node);
      for (const output of node.outputs) known.add(output);
    }
    if (end === undefined || this.#outputs.has(end.inputs[0] as string)) return undefined;
    const inOrder = this.#graph.nodes.filter((node) => members.has(node));
    return [...inOrder, end];
  }
}

/** What the chunks add to a graph beside nodes. */
interface Additions {
  readonly shapes: Map<string, readonly number[]>;
  readonly weights: Map<string, GraphWeight>;
}

function emitChunks(
  { input, aliases, nodes, rows, hiddenBytesPerRow }: FeedForwardRegion,
  budget: number,
  emit: Emitter,
  { shapes, weights }: Additions,
): void {
  const axes = emit.constant('int64', [1], [0]);
  const wide = wideWeights(nodes, weights, budget);
  const parts: string[] = [];
  for (const [start, count] of evenChunks(rows, Math.max(budget / hiddenBytesPerRow, rows / MOST_PIECES))) {
    const [from, to] = [start, start + count].map((at) => emit.constant('int64', [1], [at]));
    const piece = emit.one('Slice', [input, from as string, to as string, axes]);
    const like = (value: string): readonly number[] => [count, shapes.get(value)?.at(-1) ?? 1];
    shapes.set(piece, like(input));
    const renamed = new Map(aliases.map((alias) => [alias, piece]));
    for (const weight of start === 0 ? [] : wide) {
      const own = `${weight.name}/chunk.${start}`;
      weights.set(own, { ...weight, name: own });
      renamed.set(weight.name, own);
    }
    for (const node of nodes) {
      const inputs = node.inputs.map((name) => renamed.get(name) ?? name);
      const [output] = node.outputs as [string];
      // Rows stay rows from the first layer to the last, so shapes need no change between.
      const value =
        node.op === 'Reshape' ? (inputs[0] as string) : emit.one(node.op, inputs, { ...node.attributes }, node.domain);
      renamed.set(output, value);
      shapes.set(value, like(output));
    }
    parts.push(renamed.get((nodes.at(-1) as GraphNode).outputs[0] as string) as string);
  }
  emit.last('Concat', parts, (nodes.at(-1) as GraphNode).outputs[0] as string, { axis: { int: 0 } });
}

/**
 * Weights that each chunk has under a name of its own: those that are widened where they are used, where all of them take more than the budget. Widened
 * under one name they would be there, whole, from the first chunk to the last.
 */
function wideWeights(
  nodes: readonly GraphNode[],
  weights: ReadonlyMap<string, GraphWeight>,
  budget: number,
): readonly GraphWeight[] {
  const narrow = nodes.flatMap(({ op, inputs }) => {
    const weight = op === 'Gemm' ? weights.get(inputs[1] as string) : undefined;
    return weight === undefined || narrowWeightOf(weight) === undefined ? [] : [weight];
  });
  const bytes = narrow.reduce((sum, { dims }) => sum + dims.reduce((a, b) => a * b, FLOAT32_BYTES), 0);
  return bytes > budget ? narrow : [];
}
