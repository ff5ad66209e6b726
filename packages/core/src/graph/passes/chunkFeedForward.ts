import { checkNumber } from '../../fields/checkNumber.js';
import { checkGraph } from '../checkGraph.js';
import { Emitter } from '../Emitter.js';
import type { Graph, GraphNode, GraphWeight } from '../Graph.js';
import { narrowWeightOf } from '../storage/storageFormats.js';
import { Wiring } from '../Wiring.js';
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
  /** Values of as many rows that are joined to the features on the way, such as what attention gave. */
  readonly beside: readonly string[];
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
  // Most graphs have no such layer, and need no look at who reads what.
  if (!graph.nodes.some((node) => isLarge(graph, node, budget))) return graph;
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

/** Whether a node is a linear layer whose outputs take more than the budget. */
function isLarge(graph: Graph, { op, outputs }: GraphNode, budget: number): boolean {
  if (op !== 'Gemm') return false;
  const [rows = 0, hidden = 0] = graph.shapes.get(outputs[0] as string) ?? [];
  return rows >= 2 && rows * hidden * FLOAT32_BYTES > budget;
}

class RegionFinder {
  readonly #graph: Graph;
  readonly #budget: number;
  readonly #wiring: Wiring;
  readonly #fixed: ReadonlySet<string>;

  constructor(graph: Graph, budget: number) {
    this.#graph = graph;
    this.#budget = budget;
    this.#wiring = new Wiring(graph);
    // What has more than one axis may have rows of its own.
    this.#fixed = new Set(
      [...graph.constants, ...graph.weights].filter(({ dims }) => dims.length <= 1).map(({ name }) => name),
    );
  }

  /** The region that begins with a linear layer, if its outputs are too large and it has an end. */
  from(first: GraphNode): FeedForwardRegion | undefined {
    if (!isLarge(this.#graph, first, this.#budget)) return undefined;
    const input = first.inputs[0] as string;
    const [rows = 0, hidden = 0] = this.#graph.shapeOf(first.outputs[0] as string);
    const end = this.#endAfter(first.outputs[0] as string);
    if (end === undefined) return undefined;
    const aliases = this.#aliasesOf(input);
    const starts = aliases.flatMap((name) =>
      this.#wiring.readersOf(name).filter((node) => node.op === 'Gemm' && node.inputs[0] === name),
    );
    const members = this.#behind(end.inputs[0] as string, new Set(starts), rows);
    if (members?.has(first) !== true || !this.#isClosed(members, end)) return undefined;
    const nodes = [...this.#graph.nodes.filter((node) => members.has(node)), end];
    return { input, aliases, beside: besideOf(nodes), nodes, rows, hiddenBytesPerRow: hidden * FLOAT32_BYTES };
  }

  /** Every value that is the same reshaping of the same value, itself included. */
  #aliasesOf(input: string): readonly string[] {
    const made = this.#wiring.makerOf(input);
    if (made?.op !== 'Reshape') return [input];
    return this.#wiring
      .readersOf(made.inputs[0] as string)
      .filter((node) => node.op === 'Reshape' && node.inputs.join() === made.inputs.join())
      .map((node) => node.outputs[0] as string);
  }

  /** The linear layer to which a value comes row by row. */
  #endAfter(value: string): GraphNode | undefined {
    for (const node of this.#wiring.readersOf(value)) {
      if (node.op === 'Gemm' && node.inputs[0] === value) return node;
      if (!ROW_WISE.has(node.op) && !this.#joinsFeatures(node)) continue;
      const end = this.#endAfter(node.outputs[0] as string);
      if (end !== undefined) return end;
    }
    return undefined;
  }

  /** What makes a value of the outputs of `starts`, row by row; undefined where it is made otherwise. */
  #behind(value: string, starts: ReadonlySet<GraphNode>, rows: number): ReadonlySet<GraphNode> | undefined {
    const node = this.#wiring.makerOf(value);
    if (node === undefined) return undefined;
    if (starts.has(node)) return new Set([node]);
    const joins = this.#joinsFeatures(node);
    if (!joins && !ROW_WISE.has(node.op)) return undefined;
    const members = new Set([node]);
    for (const input of node.inputs) {
      if (!joins && this.#fixed.has(input)) continue;
      const behind = this.#behind(input, starts, rows);
      if (behind === undefined && !(joins && this.#rowsOf(input) === rows)) return undefined;
      for (const each of behind ?? []) members.add(each);
    }
    return members;
  }

  /** Whether nobody else needs what these nodes make. */
  #isClosed(members: ReadonlySet<GraphNode>, end: GraphNode): boolean {
    return [...members].every(({ outputs }) =>
      outputs.every(
        (output) =>
          !this.#wiring.isOutput(output) &&
          this.#wiring.readersOf(output).every((node) => members.has(node) || node === end),
      ),
    );
  }

  /** Whether a node puts features side by side, row by row. */
  #joinsFeatures({ op, attributes, outputs }: GraphNode): boolean {
    const { axis } = attributes;
    const rank = this.#graph.shapes.get(outputs[0] as string)?.length ?? 0;
    return op === 'Concat' && axis !== undefined && 'int' in axis && [-1, rank - 1].includes(Number(axis.int));
  }

  #rowsOf(value: string): number {
    return (this.#graph.shapes.get(value) ?? []).slice(0, -1).reduce((a, b) => a * b, 1);
  }
}

/** What is joined to the features and made by none of these nodes. */
function besideOf(nodes: readonly GraphNode[]): readonly string[] {
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  return [
    ...new Set(nodes.flatMap(({ op, inputs }) => (op === 'Concat' ? inputs.filter((name) => !made.has(name)) : []))),
  ];
}

/** What the chunks add to a graph beside nodes. */
interface Additions {
  readonly shapes: Map<string, readonly number[]>;
  readonly weights: Map<string, GraphWeight>;
}

function emitChunks(
  { input, aliases, beside, nodes, rows, hiddenBytesPerRow }: FeedForwardRegion,
  budget: number,
  emit: Emitter,
  { shapes, weights }: Additions,
): void {
  const axes = emit.constant('int64', [1], [0]);
  const wide = wideWeights(nodes, weights, budget);
  const flat = new Map(beside.map((name) => [name, flattened(name, shapes, emit)]));
  const parts: string[] = [];
  for (const [start, count] of evenChunks(rows, Math.max(budget / hiddenBytesPerRow, rows / MOST_PIECES))) {
    const [from, to] = [start, start + count].map((at) => emit.constant('int64', [1], [at]));
    const like = (value: string): readonly number[] => [count, shapes.get(value)?.at(-1) ?? 1];
    const pieceOf = (value: string, name: string): string => {
      const piece = emit.one('Slice', [value, from as string, to as string, axes]);
      shapes.set(piece, like(name));
      return piece;
    };
    const piece = pieceOf(input, input);
    const renamed = new Map(aliases.map((alias) => [alias, piece]));
    for (const [name, value] of flat) renamed.set(name, pieceOf(value, name));
    for (const weight of start === 0 ? [] : wide) {
      const own = `${weight.name}/chunk.${start}`;
      weights.set(own, { ...weight, name: own });
      renamed.set(weight.name, own);
    }
    for (const node of nodes) {
      const inputs = node.inputs.map((name) => renamed.get(name) ?? name);
      const [output] = node.outputs as [string];
      // Rows stay rows from the first layer to the last, so shapes need no change between.
      const attributes = node.op === 'Concat' ? { axis: { int: 1 } } : { ...node.attributes };
      const value = node.op === 'Reshape' ? (inputs[0] as string) : emit.one(node.op, inputs, attributes, node.domain);
      renamed.set(output, value);
      shapes.set(value, like(output));
    }
    parts.push(renamed.get((nodes.at(-1) as GraphNode).outputs[0] as string) as string);
  }
  emit.last('Concat', parts, (nodes.at(-1) as GraphNode).outputs[0] as string, { axis: { int: 0 } });
}

/** A value as rows of features. */
function flattened(name: string, shapes: Additions['shapes'], emit: Emitter): string {
  const dims = shapes.get(name) ?? [];
  const width = dims.at(-1) ?? 1;
  if (dims.length === 2) return name;
  const rows = emit.one('Reshape', [name, emit.constant('int64', [2], [-1, width])]);
  shapes.set(rows, [dims.slice(0, -1).reduce((a, b) => a * b, 1), width]);
  return rows;
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
