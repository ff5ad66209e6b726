import { hasWholeRows } from '../../weights/TensorView.js';
import { Emitter } from '../Emitter.js';
import { COMPOSITE_DOMAIN, type Graph, type GraphNode, type GraphWeight } from '../Graph.js';
import { intOf } from '../intOf.js';
import { type Chunk, evenChunks } from './evenChunks.js';
import { FLOAT32_BYTES } from './float32Bytes.js';
import { sliceWeight } from './sliceWeight.js';

/** From this size on joined values are worth chunks: 32 MB, or less where little is allowed. */
const LARGE = 2 ** 25;
const LARGE_BUDGETS = 4;

/** A convolution's weight is widened whole, so it has to be this much smaller than what is saved. */
const WEIGHT_SHARE = 4;

/** Operations that work on each element alone. */
const ELEMENTWISE = new Set(['Mul', 'Gelu', 'Sigmoid', 'Relu', 'Mish', 'Tanh']);

type Shape = readonly [n: number, c: number, h: number, w: number];

/** A norm, what is done with its elements, and the value that comes of it. */
interface Normed {
  readonly norm: GraphNode;
  readonly between: readonly GraphNode[];
  readonly output: string;
}

/**
 * Computes the norm over large joined values (`Concat` on the channels, as in the up path of a U-Net) and the convolution that follows a group of channels at a
 * time, and adds up what the convolution makes of each: so neither the joined values nor the normed ones are ever there as a whole. Convolutions that read joined
 * values themselves add up what they make of each of these.
 */
export function chunkJoinedChannels(graph: Graph, budget: number): Graph {
  return graph.nodes
    .filter((node) => isJoin(graph, node, Math.min(LARGE, LARGE_BUDGETS * budget)))
    .reduce((changed, join) => new JoinedChannels(changed, join, budget).graph, graph);
}

function isJoin(graph: Graph, { op, attributes, outputs }: GraphNode, bytes: number): boolean {
  const shape = graph.shapes.get(outputs[0] as string) ?? [];
  const { axis } = attributes;
  return (
    op === 'Concat' &&
    axis !== undefined &&
    'int' in axis &&
    axis.int === 1 &&
    shape.length === 4 &&
    bytesOf(shape) >= bytes
  );
}

class JoinedChannels {
  readonly #graph: Graph;
  readonly #join: GraphNode;
  readonly #budget: number;
  readonly #joined: string;
  readonly #shape: Shape;
  readonly #emit: Emitter;
  readonly #shapes: Map<string, readonly number[]>;
  readonly #weights: Map<string, GraphWeight>;
  /** What stands in the place of a node. */
  readonly #replaced = new Map<GraphNode, readonly GraphNode[]>();

  constructor(graph: Graph, join: GraphNode, budget: number) {
    this.#graph = graph;
    this.#join = join;
    this.#budget = budget;
    this.#joined = join.outputs[0] as string;
    this.#shape = graph.shapeOf(this.#joined) as Shape;
    this.#emit = new Emitter(`${join.name}/channels`);
    this.#shapes = new Map(graph.shapes);
    this.#weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  }

  get graph(): Graph {
    const readers = this.#readersOf(this.#joined);
    const summed = readers.filter((reader) => this.#canSum(reader));
    const chunked = readers.filter((reader) => this.#chunkNormed(reader));
    const from = this.#emit.nodes.length;
    for (const conv of summed) this.#sumOperands(conv);
    const others = readers.length > summed.length + chunked.length;
    // First in the list is last in time: what is computed early of the sum that ends the block waits for the rest of it.
    this.#replaced.set(this.#join, [...this.#emit.nodes.slice(from), ...(others ? [this.#join] : [])]);
    if (summed.length + chunked.length === 0) return this.#graph;
    const nodes = this.#graph.nodes.flatMap((node) => this.#replaced.get(node) ?? [node]);
    const used = new Set(nodes.flatMap(({ inputs }) => inputs));
    return this.#graph.with({
      nodes,
      constants: [...this.#graph.constants, ...this.#emit.constants],
      weights: [...this.#weights.values()].filter(({ name }) => used.has(name)),
      shapes: this.#shapes,
    });
  }

  /** A convolution of the joined values is the sum of convolutions of each. */
  #sumOperands(conv: GraphNode): void {
    const parts = this.#operands().map(([operand, channels]) => this.#convolve(conv, operand, channels));
    this.#sum(parts, conv.outputs[0] as string);
    this.#replaced.set(conv, []);
  }

  /** Whether `norm` is one that can be chunked. */
  #chunkNormed(norm: GraphNode): boolean {
    const normed = this.#normedFrom(norm);
    if (normed === undefined) return false;
    const [, channels] = this.#shape;
    const groups = intOf(norm, 'num_groups');
    const chunks = evenChunks(groups, (this.#budget * groups) / bytesOf(this.#shape)).map(([start, count]): Chunk => [
      (start * channels) / groups,
      (count * channels) / groups,
    ]);
    const from = this.#emit.nodes.length;
    const [conv, ...others] = this.#readersOf(normed.output);
    const sums = conv !== undefined && others.length === 0 && this.#canSum(conv);
    const parts = chunks.map((chunk) => {
      const part = this.#normChunk(normed, chunk);
      return sums ? this.#convolve(conv, part, chunk) : part;
    });
    if (sums) this.#sum(parts, conv.outputs[0] as string);
    else this.#emit.last('Concat', parts, normed.output, { axis: { int: 1 } });
    for (const node of [norm, ...normed.between]) this.#replaced.set(node, []);
    this.#replaced.set(sums ? conv : norm, this.#emit.nodes.slice(from));
    return true;
  }

  /** The norm that begins at a reader of the joined values, as far as only one value at a time comes of it. */
  #normedFrom(norm: GraphNode): Normed | undefined {
    const { op, domain, inputs } = norm;
    if (op !== 'GroupNormalization' || domain !== COMPOSITE_DOMAIN) return undefined;
    if (!inputs.slice(1).every((name) => this.#canSlice(name))) return undefined;
    const between: GraphNode[] = [];
    const known = new Set(norm.outputs);
    for (const node of this.#graph.nodes) {
      if (!ELEMENTWISE.has(node.op) || !node.inputs.every((name) => known.has(name))) continue;
      between.push(node);
      for (const output of node.outputs) known.add(output);
    }
    const members = new Set(between);
    const outputs = [...known].filter((name) => this.#readersOf(name).some((reader) => !members.has(reader)));
    const [output, ...more] = outputs;
    return output === undefined || more.length > 0 ? undefined : { norm, between, output };
  }

  /** Whether a value is a weight of which there can be some rows. */
  #canSlice(name: string): boolean {
    const weight = this.#weights.get(name);
    return weight !== undefined && (weight.source === undefined || hasWholeRows(weight.source));
  }

  /** Some channels of what comes of a norm: whole groups. */
  #normChunk({ norm, between, output }: Normed, chunk: Chunk): string {
    const [start, count] = chunk;
    const dims = this.#withChannels(count);
    const pieces = this.#operands().flatMap(([operand, [first, length]]) => {
      const [from, to] = [Math.max(start, first), Math.min(start + count, first + length)];
      return from < to ? [this.#slice(operand, [from - first, to - from], this.#withChannels(to - from))] : [];
    });
    const input = pieces.length === 1 ? (pieces[0] as string) : this.#one('Concat', pieces, dims, { axis: { int: 1 } });
    const parameters = norm.inputs
      .slice(1)
      .map((name) => sliceWeight(this.#weights.get(name) as GraphWeight, chunk, this.#weights));
    const groups = (intOf(norm, 'num_groups') * count) / this.#shape[1];
    const attributes = { ...norm.attributes, num_groups: { int: groups } };
    const renamed = new Map([
      [norm.outputs[0], this.#one(norm.op, [input, ...parameters], dims, attributes, norm.domain)],
    ]);
    for (const node of between) {
      const inputs = node.inputs.map((name) => renamed.get(name) as string);
      renamed.set(node.outputs[0], this.#one(node.op, inputs, dims, { ...node.attributes }, node.domain));
    }
    return renamed.get(output) as string;
  }

  /** Whether a node is a convolution whose weight can be cut along its input channels without weighing more than what is saved. */
  #canSum({ op, inputs, attributes }: GraphNode): boolean {
    const weight = this.#weights.get(inputs[1] ?? '');
    if (op !== 'Conv' || 'group' in attributes || weight === undefined || weight.source?.transposed !== undefined)
      return false;
    return bytesOf(weight.dims) * WEIGHT_SHARE <= bytesOf(this.#shape);
  }

  /** What a convolution makes of some of its input channels; the first of them have its bias. */
  #convolve(conv: GraphNode, x: string, channels: Chunk): string {
    const [, weight, ...bias] = conv.inputs as [string, string, string?];
    const [out = 1, , ...kernel] = (this.#weights.get(weight) as GraphWeight).dims;
    const part = this.#slice(weight, channels, [out, channels[1], ...kernel]);
    const dims = this.#graph.shapeOf(conv.outputs[0] as string);
    return this.#one(conv.op, [x, part, ...(channels[0] === 0 ? (bias as string[]) : [])], dims, {
      ...conv.attributes,
    });
  }

  /** Adds up, in nodes that come after all that make the parts: so the runtime adds each as soon as it is there. */
  #sum(parts: readonly string[], output: string): void {
    const [first, ...rest] = parts as [string, ...string[]];
    const last = rest.pop();
    const dims = this.#graph.shapeOf(output);
    const sum = rest.reduce((total, part) => this.#one('Add', [total, part], dims), first);
    if (last === undefined) this.#emit.last('Identity', [sum], output);
    else this.#emit.last('Add', [sum, last], output);
  }

  /** The joined values, each with its channels. */
  #operands(): readonly (readonly [name: string, channels: Chunk])[] {
    let start = 0;
    return this.#join.inputs.map((operand) => {
      const count = this.#graph.shapeOf(operand)[1] as number;
      start += count;
      return [operand, [start - count, count]] as const;
    });
  }

  #readersOf(value: string): readonly GraphNode[] {
    return this.#graph.nodes.filter(({ inputs }) => inputs.includes(value));
  }

  /** Some of a value's indices on the second axis. */
  #slice(value: string, [start, count]: Chunk, dims: readonly number[]): string {
    if (start === 0 && count === (this.#weights.get(value)?.dims ?? this.#graph.shapeOf(value))[1]) return value;
    const [from, to, axis] = [start, start + count, 1].map((at) => this.#emit.constant('int64', [1], [at]));
    return this.#one('Slice', [value, from as string, to as string, axis as string], dims);
  }

  #one(
    op: string,
    inputs: readonly string[],
    dims: readonly number[],
    attributes: GraphNode['attributes'] = {},
    domain = '',
  ): string {
    const output = this.#emit.one(op, inputs, { ...attributes }, domain);
    this.#shapes.set(output, dims);
    return output;
  }

  #withChannels(count: number): Shape {
    const [n, , h, w] = this.#shape;
    return [n, count, h, w];
  }
}

function bytesOf(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, FLOAT32_BYTES);
}
