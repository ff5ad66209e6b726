import {
  type Chunk,
  Emitter,
  evenChunks,
  type Graph,
  type GraphConstant,
  type GraphNode,
  type GraphWeight,
} from '@thimble/core/plugin';
import type { QuantizedWeight } from '../Int8Weights.js';
import { type ChannelShift, channelShifts } from './channelShifts.js';
import { type Int8Site, int8SiteOf } from './Int8Site.js';
import { QuantizedValues, type QuantizedValue } from './QuantizedValues.js';
import { sweep } from './sweep.js';
import { upsamplingOf } from './upsamplingOf.js';
import { Window } from './Window.js';

/** Windows of convolutions, and hidden features of feed-forward layers, are read again soon: in pieces of this size some of them are in a cache still. */
export const CACHED_BYTES = 12 * 2 ** 20;

/** What {@link computeInInt8} needs to know. */
export interface Int8Pass {
  /** The matrix of int8 that stands for a weight; `undefined` = the layer stays as it is. */
  readonly find: (weight: GraphWeight) => QuantizedWeight | undefined;
  /** Whether a layer is worth it at its sizes. */
  readonly isWorthwhile: (site: Int8Site) => boolean;
  /** Bytes that the windows of a convolution may take at once. */
  readonly budget: number;
}

/**
 * Computes linear layers and convolutions in int8: activations are quantised to uint8 as they come, with one range for a tensor; weights are int8 with a
 * scale for each output channel; sums are exact, in int32. A convolution is a product of matrices over gathered windows of channels-last pixels.
 */
export function computeInInt8(graph: Graph, pass: Int8Pass): Graph {
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const rewriter = new Rewriter(graph, pass);
  const shifts = channelShifts(graph);
  const delayed = new Map<GraphNode, () => readonly GraphNode[]>();
  const nodes = graph.nodes.flatMap((node) => {
    const later = delayed.get(node);
    if (later !== undefined) return later();
    const site = int8SiteOf(graph, node, weights);
    const found = site === undefined || !pass.isWorthwhile(site) ? undefined : pass.find(site.weight);
    if (site === undefined || found === undefined) return [node];
    const shift = shifts.get(node);
    if (shift === undefined) return rewriter.rewrite(site, found);
    delayed.set(shift.node, () => rewriter.rewrite(site, found, shift));
    return [];
  });
  if (rewriter.weights.size === 0) return graph;
  return sweep(
    graph.with({
      nodes,
      constants: [...graph.constants, ...rewriter.constants],
      weights: [...graph.weights, ...rewriter.weights.values()],
    }),
  );
}

class Rewriter {
  readonly constants: GraphConstant[] = [];
  readonly weights = new Map<string, GraphWeight>();
  readonly #graph: Graph;
  readonly #pass: Int8Pass;
  readonly #values: QuantizedValues;
  readonly #makers: ReadonlyMap<string, GraphNode>;

  constructor(graph: Graph, pass: Int8Pass) {
    this.#graph = graph;
    this.#pass = pass;
    this.#values = new QuantizedValues(graph);
    this.#makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  }

  /** The nodes that take the place of a layer's. */
  rewrite(site: Int8Site, weight: QuantizedWeight, shift?: ChannelShift): readonly GraphNode[] {
    const emit = new Emitter(`${site.node.name}/int8`);
    const matrix = this.#matrixOf(site, weight);
    if (site.node.op === 'Gemm') this.#linear(site, matrix, emit);
    else
      this.#convolution(
        site,
        shift === undefined ? matrix : shifted(matrix, shift, emit),
        shift?.node.outputs[0] ?? (site.node.outputs[0] as string),
        emit,
      );
    this.constants.push(...emit.constants);
    return emit.nodes;
  }

  #linear({ node }: Int8Site, matrix: Matrix, emit: Emitter): void {
    const output = node.outputs[0] as string;
    emit.last(
      'MatMulIntegerToFloat',
      productInputs(this.#values.of(node.inputs[0] as string, emit), matrix),
      output,
      {},
      'com.microsoft',
    );
  }

  #convolution({ node, columns }: Int8Site, matrix: Matrix, output: string, emit: Emitter): void {
    const input = node.inputs[0] as string;
    const source = upsamplingOf(input, this.#makers)?.inputs[0] ?? input;
    const shape = this.#graph.shapeOf(source);
    const window = new Window(node, shape, this.#graph.shapeOf(input), this.#graph.shapeOf(node.outputs[0] as string));
    const pixels = this.#values.pixelsOf(source, emit);
    const parts = window.isSinglePixel
      ? [this.#product(pixels, matrix, emit)]
      : this.#windows(window, pixels, { channels: shape[1] as number, matrix, batch: shape[0] as number }, emit);
    const tokens = parts.map((part) =>
      emit.one('Reshape', [
        part.value,
        emit.constant('int64', [3], [-1, part.pixels ?? window.height * window.width, columns]),
      ]),
    );
    const all = tokens.length === 1 ? (tokens[0] as string) : emit.one('Concat', tokens, { axis: { int: 1 } });
    const planes = emit.one('Transpose', [all], { perm: { ints: [0, 2, 1] } });
    emit.last('Reshape', [planes, emit.constant('int64', [4], [0, columns, window.height, window.width])], output);
  }

  #product(value: QuantizedValue, matrix: Matrix, emit: Emitter): Part {
    return { value: emit.one('MatMulIntegerToFloat', productInputs(value, matrix), {}, 'com.microsoft') };
  }

  /** Strips of rows whose windows stay within the budget. */
  #windows(
    window: Window,
    pixels: QuantizedValue,
    { channels, matrix, batch }: { channels: number; matrix: Matrix; batch: number },
    emit: Emitter,
  ): readonly Part[] {
    const inner = window.taps * channels;
    const list = window.pad(pixels.codes, pixels.zero, channels, emit);
    const strips = evenChunks(window.height, this.#pass.budget / (batch * window.width * inner));
    return strips.map(([start, count]: Chunk) => {
      const gathered = emit.one('Gather', [list, window.indices(start, count, emit)], { axis: { int: 1 } });
      const rows = emit.one('Reshape', [gathered, emit.constant('int64', [2], [-1, inner])]);
      return { ...this.#product({ ...pixels, codes: rows }, matrix, emit), pixels: count * window.width };
    });
  }

  #matrixOf({ weight, node, inner, columns }: Int8Site, { codes, scales }: QuantizedWeight): Matrix {
    const { name, key } = weight;
    const matrix = { codes: `${name}/int8`, scales: `${name}/int8/scale`, bias: node.inputs[2] };
    this.weights.set(matrix.codes, {
      name: matrix.codes,
      key,
      shape: [inner, columns],
      dims: [inner, columns],
      rows: [0, inner],
      type: 'int8',
      source: codes,
    });
    this.weights.set(matrix.scales, {
      name: matrix.scales,
      key,
      shape: [columns],
      dims: [columns],
      rows: [0, columns],
      type: 'float32',
      source: scales,
    });
    return matrix;
  }
}

/** The matrix with what is added to its outputs in its bias. */
function shifted(matrix: Matrix, { by }: ChannelShift, emit: Emitter): Matrix {
  const vector = emit.one('Reshape', [by, emit.constant('int64', [1], [-1])]);
  return { ...matrix, bias: matrix.bias === undefined ? vector : emit.one('Add', [matrix.bias, vector]) };
}

/** Names of a layer's parameters. */
interface Matrix {
  readonly codes: string;
  readonly scales: string;
  readonly bias: string | undefined;
}

/** Some of the pixels that a convolution makes; `pixels` of each sample, absent for all. */
interface Part {
  readonly value: string;
  readonly pixels?: number;
}

function productInputs(
  { codes, scale, zero }: QuantizedValue,
  { codes: weight, scales, bias }: Matrix,
): readonly string[] {
  const inputs = [codes, weight, scale, scales, zero];
  // Input 5 is the weights' zero point; there is none.
  return bias === undefined ? inputs : [...inputs, '', bias];
}
