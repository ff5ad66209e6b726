import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as runtime from 'onnxruntime-node';
import { sessionOptions } from '../../src/device/sessionOptions.js';
import type { Graph } from '../../src/graph/Graph.js';
import { GraphBuilder } from '../../src/graph/GraphBuilder.js';
import { inRuntimeOrder } from '../../src/graph/inRuntimeOrder.js';
import { lowerGraph } from '../../src/graph/lower.js';
import { nameParameters } from '../../src/graph/Module.js';
import { Conv2d, type Padding } from '../../src/graph/nn/Conv2d.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import { upscaleNearest } from '../../src/graph/operations.js';
import { bindWeights } from '../../src/graph/passes/bindWeights.js';
import { planWinograd, type WinogradPlan } from '../../src/graph/passes/winograd/WinogradPlan.js';
import { winogradConvolutions } from '../../src/graph/passes/winogradConvolutions.js';
import { encodeFloat16 } from '../../src/weights/files/encodeFloat16.js';
import { readTensorFloat32 } from '../../src/weights/files/readTensorFloat32.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { ModelWeights } from '../../src/models/ModelWeights.js';
import { recordedUNet } from '../support/recordedUNet.js';

/** What a convolution of some shape is made of. */
interface Case {
  readonly shape: readonly [n: number, c: number, h: number, w: number];
  readonly out: number;
  readonly padding?: number | Padding;
  readonly stride?: number;
  readonly bias?: boolean;
  /** Whether pixels are doubled first. */
  readonly doubled?: boolean;
  readonly dtype?: 'F32' | 'F16' | 'F8_E4M3';
}

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'thimble-winograd-')));
});
afterAll(() => rm(folder, { recursive: true }));

/** Evenly spread over [-1, 1), the same at every run. */
function noise(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((Math.imul(i + seed * 7919, 2654435761) >>> 8) % 2048) / 1024 - 1);
}

function encoded(values: Float32Array, dtype: NonNullable<Case['dtype']>): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer);
  if (dtype === 'F16') return new Uint8Array(encodeFloat16(values).buffer);
  // Codes with exponents about one: nothing that is not a number.
  return Uint8Array.from(values, (x) => ((x < 0 ? 128 : 0) + 40 + Math.abs(x) * 15) & 255);
}

async function convolution(given: Case): Promise<{ graph: Graph; expected: Float64Array }> {
  const { shape, out, padding = 1, stride = 1, bias = true, doubled = false, dtype = 'F32' } = given;
  const conv = new Conv2d(shape[1], out, 3, { padding, stride, bias });
  const path = join(folder, `${files++}.safetensors`);
  const tensors = nameParameters(conv).map(({ key, shape: dims }, seed) => {
    const data = encoded(
      noise(
        dims.reduce((a, b) => a * b, 1),
        seed + 1,
      ),
      dtype,
    );
    return [key, { dtype, shape: dims, data }] as const;
  });
  await writeSafetensors(path, Object.fromEntries(tensors));
  const file = await SafetensorsFile.open(path);
  const builder = new GraphBuilder('convolution');
  const x = builder.input('x', 'float32', shape);
  builder.output('y', conv.forward(doubled ? upscaleNearest(x, 2) : x));
  const graph = bindWeights(builder.build(), { find: (key) => file.tensors.get(key) });
  const [weight, biases] = await Promise.all(
    ['weight', 'bias'].map(async (key) => {
      const view = file.tensors.get(key);
      return view === undefined ? undefined : readTensorFloat32(view);
    }),
  );
  return { graph, expected: convolved(given, weight as Float32Array, biases) };
}

/** In float64, as it is defined. */
function convolved(
  { shape: [n, c, height0, width0], out, padding = 1, stride = 1, doubled = false }: Case,
  weight: Float32Array,
  bias: Float32Array | undefined,
): Float64Array {
  const repeats = doubled ? 2 : 1;
  const [h, w] = [height0 * repeats, width0 * repeats];
  const x = noise(n * c * height0 * width0, 0);
  const { top, left, bottom, right } =
    typeof padding === 'number' ? { top: padding, left: padding, bottom: padding, right: padding } : padding;
  const [height, width] = [
    Math.floor((h + top + bottom - 3) / stride) + 1,
    Math.floor((w + left + right - 3) / stride) + 1,
  ];
  const at = (sample: number, channel: number, row: number, column: number): number => {
    if (row < 0 || column < 0 || row >= h || column >= w) return 0;
    const pixel = Math.floor(row / repeats) * width0 + Math.floor(column / repeats);
    return x[(sample * c + channel) * height0 * width0 + pixel] as number;
  };
  return Float64Array.from({ length: n * out * height * width }, (_, i) => {
    const [column, row] = [i % width, Math.floor(i / width) % height];
    const [k, sample] = [Math.floor(i / (width * height)) % out, Math.floor(i / (width * height * out))];
    let sum = bias?.[k] ?? 0;
    for (let channel = 0; channel < c; channel++)
      for (let tap = 0; tap < 9; tap++) {
        const [down, across] = [row * stride + Math.floor(tap / 3) - top, column * stride + (tap % 3) - left];
        sum += at(sample, channel, down, across) * (weight[(k * c + channel) * 9 + tap] as number);
      }
    return sum;
  });
}

/** What a graph gives for the noise, as the pipeline would run it. */
async function run(graph: Graph): Promise<Float32Array> {
  const onnx = serializeOnnx(lowerGraph(graph, { bytes: 2 ** 25, activations: 'float32', provider: 'cpu' }));
  const session = await runtime.InferenceSession.create(onnx.bytes, sessionOptions(onnx, { provider: 'cpu' }));
  const shape = graph.shapeOf('x');
  const x = new runtime.Tensor(
    'float32',
    noise(
      shape.reduce((a, b) => a * b, 1),
      0,
    ),
    shape,
  );
  const { y } = await session.run({ x });
  await session.release();
  return y?.data as Float32Array;
}

function farthest(actual: Float32Array, expected: Float64Array): number {
  expect(actual).toHaveLength(expected.length);
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (actual[i] as number))), 0);
}

const cases: readonly (readonly [string, Case])[] = [
  ['odd sizes and channels', { shape: [1, 5, 9, 11], out: 7 }],
  ['a batch of two', { shape: [2, 6, 8, 8], out: 5 }],
  [
    'padding below and on the right alone',
    { shape: [1, 3, 10, 9], out: 4, padding: { top: 0, left: 0, bottom: 1, right: 1 } },
  ],
  ['no padding, no bias', { shape: [2, 4, 7, 6], out: 3, padding: 0, bias: false }],
  ['more padding than a kernel reaches', { shape: [1, 2, 5, 5], out: 2, padding: 3 }],
  ['doubled pixels', { shape: [2, 3, 5, 7], out: 4, doubled: true }],
  ['one pixel', { shape: [1, 4, 1, 1], out: 4 }],
  ['weights in float16', { shape: [1, 5, 9, 11], out: 7, dtype: 'F16' }],
  ['weights in float8', { shape: [1, 5, 9, 11], out: 7, dtype: 'F8_E4M3' }],
];

describe.each([2, 4] as const)('in tiles of %i', (tile) => {
  test.each(cases)('%s', async (_name, given) => {
    const { graph, expected } = await convolution(given);
    const changed = winogradConvolutions(graph, (site) => planWinograd(site, tile, Infinity));
    expect(changed.nodes.map(({ op }) => op)).not.toContain('Conv');
    expect(changed.nodes.map(({ op }) => op)).not.toContain('Resize');
    expect(farthest(await run(changed), expected)).toBeLessThan(5e-5);
  });

  test.each([
    ['pieces of the output channels', { shape: [1, 24, 8, 8], out: 40 }, {}],
    ['strips of rows', { shape: [2, 4, 33, 30], out: 5 }, { outer: 'strips' }],
    ['both, with the weights kept', { shape: [2, 12, 33, 30], out: 10 }, { outer: 'strips' }],
    ['both, with the pixels kept', { shape: [3, 20, 6, 6], out: 40 }, { outer: 'pieces' }],
    ['strips of doubled pixels', { shape: [1, 4, 17, 16], out: 5, doubled: true }, { outer: 'strips' }],
    ['both, of weights in float16', { shape: [3, 20, 6, 6], out: 40, dtype: 'F16' }, { outer: 'pieces' }],
  ] as const)('%s', async (name, given, expectedPlan) => {
    const { graph, expected } = await convolution(given);
    let plan: WinogradPlan | undefined;
    const budget = smallestBudget((bytes) => {
      winogradConvolutions(graph, (site) => (plan = planWinograd(site, tile, bytes)));
      return plan !== undefined;
    });
    const changed = winogradConvolutions(graph, (site) => (plan = planWinograd(site, tile, budget)));
    expect(plan).toMatchObject(expectedPlan);
    if (!name.startsWith('strips')) expect(plan?.pieces.length).toBeGreaterThan(1);
    if (!name.startsWith('pieces')) expect(plan?.strips.length).toBeGreaterThan(1);
    expect(farthest(await run(changed), expected)).toBeLessThan(1e-4);
  });
});

/** The least budget, within a tenth, in which something has room. */
function smallestBudget(fits: (bytes: number) => boolean): number {
  let bytes = 1024;
  while (!fits(bytes)) bytes *= 1.1;
  return bytes;
}

test('what moves by more than a pixel is left as it is', async () => {
  const { graph, expected } = await convolution({ shape: [1, 3, 9, 9], out: 4, stride: 2 });
  const changed = winogradConvolutions(graph, (site) => planWinograd(site, 4, Infinity));
  expect(changed).toBe(graph);
  expect(farthest(await run(changed), expected)).toBeLessThan(5e-5);
});

test('what is transformed of weights is dropped before the next piece is made', async () => {
  const { graph } = await convolution({ shape: [1, 24, 8, 8], out: 40 });
  const changed = winogradConvolutions(graph, (site) => planWinograd(site, 4, 2 ** 18));
  const order = inRuntimeOrder(changed).map(({ op }) => op);
  const made = order.flatMap((op, at) => (op === 'Gemm' ? [at] : []));
  const multiplied = order.flatMap((op, at) => (op === 'FusedMatMul' ? [at] : []));
  expect(made.length).toBeGreaterThan(1);
  for (const [i, at] of made.entries())
    if (i > 0) expect(multiplied.some((one) => one > (made[i - 1] as number) && one < at)).toBe(true);
});

test.each([2, 4] as const)('a whole U-Net in tiles of %i is what diffusers makes', async (tile) => {
  const { checkpoint, model, inputs, shapes, excess } = await recordedUNet('sd-tiny-f16');
  const bound = bindWeights(model.graph('call', shapes), ModelWeights.match('UNet2DConditionModel', model, checkpoint));
  const changed = winogradConvolutions(bound, (site) => planWinograd(site, tile, Infinity));
  expect(changed.nodes.filter(({ op }) => op === 'FusedMatMul').length).toBeGreaterThan(8);
  const onnx = serializeOnnx(lowerGraph(changed, { bytes: 2 ** 25, activations: 'float32', provider: 'cpu' }));
  const session = await runtime.InferenceSession.create(onnx.bytes, sessionOptions(onnx, { provider: 'cpu' }));
  const { 'out.sample': sample } = await session.run(inputs);
  await session.release();
  expect(await excess(sample as never)).toBeLessThanOrEqual(1);
});
