import {
  type Chunk,
  chunkFeedForward,
  Emitter,
  evenChunks,
  type Graph,
  type GraphConstant,
  type GraphNode,
  type GraphWeight,
  sliceRows,
  type TensorView,
} from '@thimble/core/plugin';
import { linearWeight } from './linearWeight.js';
import { GROUP } from './nBitsFormats.js';
import type { NBitsMatrix } from './NBitsWeights.js';

const FLOAT32_BYTES = 4;

/** What {@link computeInNBits} needs to know. */
export interface NBitsPass {
  /** The matrix that stands for a weight; `undefined` = the layer stays as it is. */
  readonly find: (weight: GraphWeight) => NBitsMatrix | undefined;
  /** Bytes that a matrix may take as float32, which the operator makes of it while it multiplies. */
  readonly budget: number;
  /** Whether the operator may take private copies of weights of four bits, in the order in which it reads them: it then makes no float32 of a whole matrix. */
  readonly packs: boolean;
}

/** Computes linear layers whose weights lie in blocks by `com.microsoft.MatMulNBits`; those of large matrices by some rows after others. */
export function computeInNBits(given: Graph, pass: NBitsPass): Graph {
  if (!given.weights.some((weight) => pass.find(weight) !== undefined)) return given;
  // Who looks for feed-forward layers afterwards does not find them any more.
  const graph = chunkFeedForward(given, pass.budget);
  const weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  const constants: GraphConstant[] = [];
  const nodes = graph.nodes.flatMap((node) => {
    const weight = linearWeight(node, weights);
    const matrix = weight && pass.find(weight);
    if (weight === undefined || matrix === undefined) return [node];
    const emit = new Emitter(`${node.name}/nbits`);
    emitProduct(node, weight, matrix, { emit, weights, budget: pass.budget });
    constants.push(...emit.constants);
    return emit.nodes;
  });
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  return graph.with({
    packsWeights: graph.packsWeights || pass.packs,
    nodes,
    constants: [...graph.constants, ...constants],
    weights: [...weights.values()].filter(({ name }) => used.has(name)),
  });
}

interface Surroundings {
  readonly emit: Emitter;
  readonly weights: Map<string, GraphWeight>;
  readonly budget: number;
}

function emitProduct(
  { inputs, outputs: [output] }: GraphNode,
  weight: GraphWeight,
  { format, codes, scales, zeroPoints }: NBitsMatrix,
  { emit, weights, budget }: Surroundings,
): void {
  const [x, , bias] = inputs as readonly [string, string, string?];
  const [rows = 1, inner = 1] = weight.dims;
  const attributes = {
    K: { int: inner },
    bits: { int: format.bits },
    block_size: { int: GROUP },
    // Computed in float32, as other layers are.
    accuracy_level: { int: 1 },
  };
  const chunks = evenChunks(rows, budget / (inner * FLOAT32_BYTES));
  const parts = chunks.map((chunk): readonly [readonly string[], number] => {
    const add = (view: TensorView | undefined, kind: string, type: GraphWeight['type']): string =>
      view === undefined ? '' : addPart(weights, { ...weight, name: `${weight.name}/${kind}`, type }, view, chunk);
    const operands = [
      x,
      add(codes, 'codes', 'uint8'),
      add(scales, 'scales', 'float32'),
      add(zeroPoints, 'zero_points', 'float32'),
      '',
      bias === undefined ? '' : partOfBias(weights, bias, chunks.length === 1 ? undefined : chunk),
    ];
    while (operands.at(-1) === '') operands.pop();
    return [operands, chunk[1]];
  });
  if (parts.length === 1) {
    const [[operands, count]] = parts as [readonly [readonly string[], number]];
    return emit.last('MatMulNBits', operands, output as string, { ...attributes, N: { int: count } }, 'com.microsoft');
  }
  const products = parts.map(([operands, count]) =>
    emit.one('MatMulNBits', operands, { ...attributes, N: { int: count } }, 'com.microsoft'),
  );
  emit.last('Concat', products, output as string, { axis: { int: 1 } });
}

/** Some rows of what was made of a weight, as a weight of its own; returns its name. */
function addPart(
  weights: Map<string, GraphWeight>,
  weight: GraphWeight,
  view: TensorView,
  [start, count]: Chunk,
): string {
  const name = `${weight.name}.${start}`;
  const source = sliceRows(view, start, count);
  weights.set(name, { ...weight, name, shape: source.shape, dims: source.shape, rows: [0, count], source });
  return name;
}

function partOfBias(weights: Map<string, GraphWeight>, bias: string, chunk: Chunk | undefined): string {
  const weight = weights.get(bias);
  if (chunk === undefined || weight === undefined) return bias;
  const [start, count] = chunk;
  const name = `${bias}/nbits.${start}`;
  const source = weight.source === undefined ? {} : { source: sliceRows(weight.source, start, count) };
  weights.set(name, { ...weight, ...source, name, dims: [count], rows: [weight.rows[0] + start, count] });
  return name;
}
