import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type Tensor } from '@thimble/core';
import {
  type Attribute,
  type ComponentHandle,
  Graph,
  type GraphNode,
  type GraphWeight,
  SafetensorsFile,
  sliceRows,
  storeOf,
  writeSafetensors,
} from '@thimble/core/plugin';
import { CODE_LIMITS } from '../src/CodeLimits.js';
import { Int8Weights } from '../src/Int8Weights.js';
import { measureSums } from '../src/measureSums.js';
import { computeInInt8 } from '../src/passes/computeInInt8.js';
import { type Codes, exactInput, exactWeight, integers } from './support/exactCodes.js';
import { SD_TINY } from './support/SD_TINY.js';
import { withExactSums } from './support/withExactSums.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-int8-'));
let pipe: DiffusionPipeline;
let component: ComponentHandle;

beforeAll(async () => {
  process.env['THIMBLE_CACHE'] = folder;
  pipe = await DiffusionPipeline.fromPretrained(SD_TINY, {
    components: ['vae'],
    deviceOptions: { inline: true, threads: 1 },
  });
  component = pipe.components['vae']!;
});
afterAll(async () => {
  await pipe.dispose();
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

/** No processor saturates sums of these: two products fit in 16 bits, in which those without VNNI add them up. */
const FITTING: readonly Codes[] = [
  { activation: 255, limits: 'saturating' },
  { activation: 255, limits: 'paired' },
  { activation: 127, limits: 'exact' },
];
const LARGEST: Codes = { activation: 255, limits: 'exact' };

interface Case {
  readonly nodes: readonly GraphNode[];
  readonly input: readonly number[];
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly weight: readonly number[];
  /** Rows of the weight that the graph uses. */
  readonly rows?: readonly [number, number];
  readonly budget?: number;
}

const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): GraphNode => ({ op, domain: '', name: `${op}.${output}`, inputs, outputs: [output], attributes });
const ints = (...values: number[]): Attribute => ({ ints: values });

/** Runs a graph as it is, and computed in int8. */
async function both(
  { nodes, input, shapes, weight, rows = [0, weight[0]!], budget = 2 ** 25 }: Case,
  codes: Codes = FITTING[0]!,
  kernel: (graph: Graph) => Graph = (graph) => graph,
): Promise<{ plain: Tensor; int8: Tensor; graph: Graph }> {
  const limits = CODE_LIMITS[codes.limits];
  const file = join(folder, 'weight.safetensors');
  const bias = integers(weight[0]!, -1000, 1000, 11);
  await writeSafetensors(
    file,
    new Map([
      ['layer.weight', { dtype: 'F32', shape: weight, data: new Uint8Array(exactWeight(weight, limits).buffer) }],
      ['layer.bias', { dtype: 'F32', shape: [weight[0]!], data: new Uint8Array(bias.buffer) }],
    ]),
  );
  const { tensors } = await SafetensorsFile.open(file);
  const bound = (key: string): GraphWeight => {
    const view = tensors.get(key)!;
    const [, count] = rows;
    const dims = [count, ...view.shape.slice(1)];
    return {
      name: key.slice(6),
      key,
      shape: view.shape,
      dims,
      rows,
      type: 'float32',
      source: sliceRows(view, ...rows),
    };
  };
  const graph = new Graph({
    name: 'case',
    nodes,
    constants: [
      { name: 'twice', type: 'float32', dims: [4], data: [1, 1, 2, 2] },
      { name: 'sizes', type: 'int64', dims: [2], data: shapes['up']?.slice(2) ?? [1, 1] },
    ],
    weights: [bound('layer.weight'), bound('layer.bias')],
    shapes: new Map(Object.entries({ x: input, ...shapes })),
    inputs: [{ name: 'x', type: 'float32', rank: input.length }],
    outputs: [{ name: 'y', type: 'float32', rank: input.length }],
  });
  await using weights = await Int8Weights.of(storeOf(tensors), { layers: [graph.weights[0]!], limits });
  const changed = computeInInt8(graph, { find: (one) => weights.find(one), isWorthwhile: () => true, budget });
  const x = exactInput(input, codes);
  return { plain: await run(graph, x), int8: await run(kernel(changed), x), graph: changed };
}

async function run(graph: Graph, x: Tensor): Promise<Tensor> {
  const { device } = component;
  const session = await device.load(component.lower(graph));
  try {
    return (
      await device.run({
        inputs: { x },
        steps: [{ session, feeds: { x: 'x' }, results: { y: 'y' }, release: [] }],
        outputs: { y: 'download' },
      })
    ).downloaded['y']!;
  } finally {
    await device.unload(session);
  }
}

/** Whole numbers stay whole numbers: what int8 computes is what float32 does, but for the rounding of the last step. */
function expectSame(int8: Tensor, plain: Tensor): void {
  expect(int8.dims).toEqual(plain.dims);
  expect(distance(int8, plain)).toBeLessThan(3e-6);
}

/** Largest difference, as a share of the largest magnitude of the second. */
function distance(one: Tensor, other: Tensor): number {
  const [a, b] = [one.data as Float32Array, other.data as Float32Array];
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0) / largest;
}

const conv = (attributes: Readonly<Record<string, Attribute>>, from = 'x'): GraphNode =>
  node('Conv', [from, 'weight', 'bias'], 'y', attributes);
const CONVOLUTIONS: Readonly<Record<string, Case>> = {
  '3×3': {
    input: [1, 8, 9, 7],
    weight: [5, 8, 3, 3],
    shapes: { y: [1, 5, 9, 7] },
    nodes: [conv({ kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) })],
  },
  '3×3 of two samples': {
    input: [2, 8, 5, 7],
    weight: [5, 8, 3, 3],
    shapes: { y: [2, 5, 5, 7] },
    nodes: [conv({ kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) })],
  },
  '3×3 of three channels': {
    input: [1, 3, 9, 7],
    weight: [5, 3, 3, 3],
    shapes: { y: [1, 5, 9, 7] },
    nodes: [conv({ kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) })],
  },
  '3×3 in strips of a row': {
    input: [2, 8, 5, 7],
    weight: [5, 8, 3, 3],
    shapes: { y: [2, 5, 5, 7] },
    budget: 1,
    nodes: [conv({ kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) })],
  },
  'stride 2 with a border at the right and the bottom': {
    input: [1, 8, 9, 8],
    weight: [5, 8, 3, 3],
    shapes: { y: [1, 5, 4, 4] },
    nodes: [conv({ kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(0, 0, 1, 1) })],
  },
  'stride 2 with a border all around': {
    input: [1, 8, 9, 8],
    weight: [5, 8, 3, 3],
    shapes: { y: [1, 5, 5, 4] },
    nodes: [conv({ kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) })],
  },
  'without a border': {
    input: [1, 8, 9, 8],
    weight: [5, 8, 3, 2],
    shapes: { y: [1, 5, 7, 7] },
    nodes: [conv({ kernel_shape: ints(3, 2) })],
  },
  'a wide border': {
    input: [1, 8, 6, 6],
    weight: [5, 8, 5, 5],
    shapes: { y: [1, 5, 8, 6] },
    nodes: [conv({ kernel_shape: ints(5, 5), pads: ints(3, 2, 3, 2) })],
  },
  dilated: {
    input: [1, 8, 9, 8],
    weight: [5, 8, 3, 3],
    shapes: { y: [1, 5, 9, 8] },
    nodes: [conv({ kernel_shape: ints(3, 3), dilations: ints(2, 2), pads: ints(2, 2, 2, 2) })],
  },
  '1×1': {
    input: [2, 8, 4, 5],
    weight: [5, 8, 1, 1],
    shapes: { y: [2, 5, 4, 5] },
    nodes: [conv({ kernel_shape: ints(1, 1) })],
  },
  '1×1, stride 2': {
    input: [2, 8, 4, 5],
    weight: [5, 8, 1, 1],
    shapes: { y: [2, 5, 2, 3] },
    nodes: [conv({ kernel_shape: ints(1, 1), strides: ints(2, 2) })],
  },
  'rows 3 to 5 of a weight': {
    input: [1, 8, 4, 5],
    weight: [7, 8, 3, 3],
    rows: [3, 2],
    shapes: { y: [1, 2, 4, 5] },
    nodes: [conv({ kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) })],
  },
  'after doubling': {
    input: [2, 8, 4, 5],
    weight: [5, 8, 3, 3],
    shapes: { up: [2, 8, 8, 10], y: [2, 5, 8, 10] },
    nodes: [
      node('Resize', ['x', '', 'twice'], 'up', {
        mode: { string: 'nearest' },
        coordinate_transformation_mode: { string: 'asymmetric' },
        nearest_mode: { string: 'floor' },
      }),
      conv({ kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }, 'up'),
    ],
  },
  'after upsampling to an odd size': {
    input: [1, 8, 4, 5],
    weight: [5, 8, 3, 3],
    shapes: { up: [1, 8, 7, 9], y: [1, 5, 7, 9] },
    nodes: [
      node('Resize', ['x', '', '', 'sizes'], 'up', {
        axes: ints(2, 3),
        mode: { string: 'nearest' },
        coordinate_transformation_mode: { string: 'asymmetric' },
        nearest_mode: { string: 'floor' },
      }),
      conv({ kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }, 'up'),
    ],
  },
};

const gemm = (x: string, y: string): GraphNode => node('Gemm', [x, 'weight', 'bias'], y, { transB: { int: 1 } });
const LINEAR = {
  'of one layer': { input: [6, 16], weight: [5, 16], shapes: { y: [6, 5] }, nodes: [gemm('x', 'y')] },
  'of one row': { input: [1, 16], weight: [5, 16], shapes: { y: [1, 5] }, nodes: [gemm('x', 'y')] },
  'that two layers read': {
    input: [6, 16],
    weight: [5, 16],
    shapes: { a: [6, 5], b: [6, 5], y: [6, 5] },
    nodes: [gemm('x', 'a'), gemm('x', 'b'), node('Add', ['a', 'b'], 'y')],
  },
} satisfies Readonly<Record<string, Case>>;

describe.each(FITTING)('whole numbers to $activation, weights where sums are $limits', (codes) => {
  test.each(Object.entries(CONVOLUTIONS))('a convolution, %s', async (_name, one) => {
    const { plain, int8, graph } = await both(one, codes);
    expectSame(int8, plain);
    expect(graph.nodes.map(({ op }) => op)).toContain('MatMulIntegerToFloat');
    expect(graph.nodes.map(({ op }) => op)).not.toContain('Conv');
    expect(graph.weights.filter(({ name }) => name === 'weight')).toEqual([]);
  });

  test.each(Object.entries(LINEAR))('a product %s', async (_name, one) => {
    const { plain, int8, graph } = await both(one, codes);
    expectSame(int8, plain);
    // What two layers read is quantised once.
    expect(graph.nodes.filter(({ op }) => op === 'DynamicQuantizeLinear')).toHaveLength(1);
  });
});

describe('whole numbers to 255, weights to 127', () => {
  const CASES = Object.entries({ ...CONVOLUTIONS, ...LINEAR });

  test.each(CASES)('are added up exactly just where the measurement says so: %s', async (_name, one) => {
    const { plain, int8 } = await both(one, LARGEST);
    const sums = await measureSums(component);
    expect(distance(int8, plain) < 3e-6).toBe(sums === 'exact');
  });

  test.each(CASES)('give what float32 does by a kernel whose sums are exact: %s', async (_name, one) => {
    const { plain, int8 } = await both(one, LARGEST, withExactSums);
    expect(distance(int8, plain)).toBeLessThan(3e-6);
  });
});

test('a convolution reads upsampled pixels from where they were', async () => {
  const { graph } = await both(CONVOLUTIONS['after doubling']!);
  expect(graph.nodes.map(({ op }) => op)).not.toContain('Resize');
});

describe('a linear layer', () => {
  test('is quantising and a product', async () => {
    const { graph } = await both(LINEAR['of one layer']);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['DynamicQuantizeLinear', 'MatMulIntegerToFloat']);
  });

  test('is left alone where Gemm does more', async () => {
    const { graph } = await both({
      input: [6, 16],
      weight: [5, 16],
      shapes: { y: [6, 5] },
      nodes: [node('Gemm', ['x', 'weight', 'bias'], 'y', { transB: { int: 1 }, alpha: { float: 2 } })],
    });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Gemm']);
  });
});
