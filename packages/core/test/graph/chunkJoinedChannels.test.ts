import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as runtime from 'onnxruntime-node';
import { sessionOptions } from '../../src/device/sessionOptions.js';
import type { Graph } from '../../src/graph/Graph.js';
import { cutByWeights } from '../../src/graph/cutByWeights.js';
import { GraphBuilder } from '../../src/graph/GraphBuilder.js';
import { inRuntimeOrder } from '../../src/graph/inRuntimeOrder.js';
import { lowerGraph } from '../../src/graph/lower.js';
import { nameParameters } from '../../src/graph/Module.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import { concat, gelu } from '../../src/graph/operations.js';
import { bindWeights } from '../../src/graph/passes/bindWeights.js';
import { chunkJoinedChannels } from '../../src/graph/passes/chunkJoinedChannels.js';
import { peakBytes } from '../../src/graph/peakBytes.js';
import { ResnetBlock2D } from '../../src/models/blocks/ResnetBlock2D.js';
import { encodeFloat16 } from '../../src/weights/files/encodeFloat16.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { writeSafetensors } from '../../src/weights/files/writeSafetensors.js';

const SIZE = 64;
/** One of four groups of three channels: the third has channels of both values. */
const BUDGET = 40 * 2 ** 10;
const X = [2, 8, SIZE, SIZE];
const SKIP = [2, 4, SIZE, SIZE];
const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin((i + seed) * 12.9898));
let folder: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'thimble-joined-')));
});
afterAll(() => rm(folder, { recursive: true }));

/** A block over joined values with weights in float16; `alsoRead`: something else reads them too. */
async function blockOf(outChannels: number, alsoRead = false): Promise<Graph> {
  const block = new ResnetBlock2D({ inChannels: 12, outChannels, groups: 4, epsilon: 1e-5, activation: 'silu' });
  const path = join(folder, `${outChannels}.safetensors`);
  const tensors = nameParameters(block).map(({ key, shape }, seed) => {
    const values = noise(
      shape.reduce((a, b) => a * b, 1),
      seed,
    );
    return [key, { dtype: 'F16' as const, shape, data: new Uint8Array(encodeFloat16(values).buffer) }] as const;
  });
  await writeSafetensors(path, Object.fromEntries(tensors));
  const file = await SafetensorsFile.open(path);
  const builder = new GraphBuilder('block');
  const joined = concat([builder.input('x', 'float32', X), builder.input('skip', 'float32', SKIP)], 1);
  builder.output('y', block.forward(joined));
  if (alsoRead) builder.output('z', gelu(joined));
  return bindWeights(builder.build(), { find: (key) => file.tensors.get(key) });
}

async function run(graph: Graph, bytes: number): Promise<Record<string, Float32Array>> {
  const onnx = serializeOnnx(
    lowerGraph(graph, { bytes, weightBytes: Infinity, activations: 'float32', provider: 'cpu' }),
  );
  const session = await runtime.InferenceSession.create(onnx.bytes, sessionOptions(onnx, { provider: 'cpu' }));
  const tensor = (dims: readonly number[], seed: number): runtime.Tensor =>
    new runtime.Tensor(
      'float32',
      noise(
        dims.reduce((a, b) => a * b, 1),
        seed,
      ),
      dims,
    );
  const outputs = await session.run({ x: tensor(X, 3), skip: tensor(SKIP, 5) });
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]));
}

const largest = (values: Float32Array): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe.each([
  ['whose convolutions add up chunks', 4, false, 0],
  ['whose convolution has a weight too wide for that', 128, false, 0],
  ['beside something else that reads the joined values', 4, true, 1],
])('a block over large joined values, %s', (_what, outChannels, alsoRead, joins) => {
  test('computes the same', async () => {
    const graph = await blockOf(outChannels, alsoRead);
    const [whole, chunked] = [await run(graph, Infinity), await run(graph, BUDGET)];
    expect(Object.keys(chunked)).toEqual(Object.keys(whole));
    for (const [name, values] of Object.entries(whole))
      expect(largest(values.map((x, i) => x - chunked[name]![i]!))).toBeLessThan(1e-5 * largest(values));
  });

  test('never has them as a whole unless it has to', async () => {
    const chunked = chunkJoinedChannels(await blockOf(outChannels, alsoRead), BUDGET);
    expect(chunked.nodes.filter(({ inputs }) => inputs.join() === 'x,skip')).toHaveLength(joins);
    expect(chunked.nodes.filter(({ op }) => op === 'GroupNormalization')).toHaveLength(1 + 4);
  });
});

test('takes less memory, in the order in which the runtime computes it', async () => {
  const graph = await blockOf(4);
  const chunked = chunkJoinedChannels(graph, BUDGET);
  const inTime = chunked.with({ nodes: inRuntimeOrder(chunked) });
  expect(new Set(inTime.nodes)).toEqual(new Set(chunked.nodes));
  expect(peakBytes(inTime)).toBeLessThan(0.7 * peakBytes(graph));
});

test.each([2 ** 20, 200])(
  'cut in parts of %i bytes of weights it computes in the same order, and takes as little',
  async (partBytes) => {
    const lowered = lowerGraph(await blockOf(4), { bytes: BUDGET, activations: 'float32', provider: 'cpu' });
    const parts = cutByWeights(lowered, { partBytes, largestBytes: 2 ** 20 });
    expect(parts.length > 1).toBe(partBytes === 200);
    const order = parts.flatMap(({ graph }) => inRuntimeOrder(graph));
    expect(order).toEqual(inRuntimeOrder(lowered));
  },
);

test('smaller values are left alone', async () => {
  const graph = await blockOf(4);
  expect(chunkJoinedChannels(graph, 12 * SIZE * SIZE * 4)).toBe(graph);
});
