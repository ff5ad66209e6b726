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
import { Module, nameParameters } from '../../src/graph/Module.js';
import { attention } from '../../src/graph/nn/attention.js';
import { Linear } from '../../src/graph/nn/Linear.js';
import { RMSNorm } from '../../src/graph/nn/RMSNorm.js';
import { rotaryEmbedding } from '../../src/graph/nn/rotaryEmbedding.js';
import { add, concat, reshape } from '../../src/graph/operations.js';
import { lowerAttention } from '../../src/graph/passes/AttentionLowering.js';
import { bindWeights } from '../../src/graph/passes/bindWeights.js';
import { fusedAttention } from '../../src/graph/passes/fusedAttention.js';
import { projectByHeads } from '../../src/graph/passes/projectByHeads.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import type { Value } from '../../src/graph/Value.js';
import { encodeFloat16 } from '../../src/weights/files/encodeFloat16.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { writeSafetensors } from '../../src/weights/files/writeSafetensors.js';

const [HEADS, SIZE, WORDS, PIXELS] = [14, 8, 5, 43];
const [WIDTH, TOKENS] = [HEADS * SIZE, WORDS + PIXELS];

/** Tokens of a text and of a picture attend to each other, as in a block of FLUX.2: queries and keys with norms and rotations, all with biases. */
class JointAttention extends Module {
  readonly to_q = new Linear(WIDTH, WIDTH);
  readonly to_k = new Linear(WIDTH, WIDTH);
  readonly to_v = new Linear(WIDTH, WIDTH);
  readonly add_q_proj = new Linear(WIDTH, WIDTH);
  readonly add_k_proj = new Linear(WIDTH, WIDTH);
  readonly add_v_proj = new Linear(WIDTH, WIDTH, { bias: false });
  readonly norm_q = new RMSNorm(SIZE, 1e-6);
  readonly to_out = new Linear(WIDTH, WIDTH);
  readonly #between: (queries: Value) => Value;

  constructor(between: (queries: Value) => Value) {
    super();
    this.#between = between;
  }

  forward({ image, text, cosines, sines }: Record<'image' | 'text' | 'cosines' | 'sines', Value>): Value {
    const normed = (x: Value): Value => {
      const byHead = reshape(x, [1, x.dim(1), HEADS, SIZE], [0, 0, HEADS, SIZE]);
      return reshape(this.norm_q.forward(byHead), x.dims, [0, 0, WIDTH]);
    };
    const turned = (x: Value): Value => rotaryEmbedding(x, cosines, sines, { heads: HEADS });
    const queries = concat([normed(this.add_q_proj.forward(text)), normed(this.to_q.forward(image))], 1);
    const keys = concat([normed(this.add_k_proj.forward(text)), normed(this.to_k.forward(image))], 1);
    const values = concat([this.add_v_proj.forward(text), this.to_v.forward(image)], 1);
    const attended = attention(turned(this.#between(queries)), turned(keys), values, { heads: HEADS });
    return this.to_out.forward(attended);
  }
}

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'thimble-heads-')));
});
afterAll(() => rm(folder, { recursive: true }));

/** Evenly spread over [-1, 1), the same at every run. */
function noise(dims: readonly number[], seed: number): Float32Array {
  const length = dims.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length }, (_, i) => ((Math.imul(i + seed * 7919, 2654435761) >>> 8) % 2048) / 1024 - 1);
}

function graphOf(between: (queries: Value) => Value = (queries) => queries): Graph {
  const model = new JointAttention(between);
  nameParameters(model);
  const builder = new GraphBuilder('joint');
  const input = (name: string, dims: readonly number[]): Value => builder.input(name, 'float32', dims);
  const image = input('image', [1, PIXELS, WIDTH]);
  const text = input('text', [1, WORDS, WIDTH]);
  const [cosines, sines] = [input('cosines', [TOKENS, SIZE / 2]), input('sines', [TOKENS, SIZE / 2])];
  builder.output('y', model.forward({ image, text, cosines, sines }));
  return builder.build();
}

async function bound(graph: Graph, dtype: 'F32' | 'F16'): Promise<Graph> {
  const path = join(folder, `${dtype}.safetensors`);
  const tensors = graph.weights.map(({ key, shape }, seed) => {
    const values = noise(shape, seed + 1).map((value) => value / Math.sqrt(shape.at(-1) as number));
    const data = new Uint8Array((dtype === 'F32' ? values : encodeFloat16(values)).buffer);
    return [key, { dtype, shape, data }] as const;
  });
  await writeSafetensors(path, Object.fromEntries(tensors));
  const file = await SafetensorsFile.open(path);
  return bindWeights(graph, { find: (key) => file.tensors.get(key) });
}

async function run(lowered: Graph): Promise<Float32Array> {
  const onnx = serializeOnnx(lowered);
  const session = await runtime.InferenceSession.create(onnx.bytes, sessionOptions(onnx, { provider: 'cpu' }));
  const feeds = lowered.inputs.map(({ name }, seed) => {
    const dims = lowered.shapeOf(name);
    return [name, new runtime.Tensor('float32', noise(dims, seed + 100), dims)] as const;
  });
  const { y } = await session.run(Object.fromEntries(feeds));
  await session.release();
  return y?.data as Float32Array;
}

const VALUE_BYTES = TOKENS * WIDTH * 4;
const fused = fusedAttention({ fuseFrom: 0, budget: (3 * VALUE_BYTES * 2) / HEADS });
const lowered = (graph: Graph, bytes: number): Graph =>
  lowerGraph(lowerAttention(graph, fused), { bytes, activations: 'float32', provider: 'cpu' });
const count = (graph: Graph, op: string): number => graph.nodes.filter((node) => node.op === op).length;

describe('queries, keys and values of some heads', () => {
  test.each(['F32', 'F16'] as const)('give what all of them give, with weights in %s', async (dtype) => {
    const graph = await bound(graphOf(), dtype);
    const whole = lowered(graph, 2 ** 25);
    const inPieces = lowered(graph, VALUE_BYTES - 1);
    expect(count(whole, 'Split')).toBe(3);
    expect(count(inPieces, 'Split')).toBe(0);
    const [expected, actual] = [await run(whole), await run(inPieces)];
    expect(actual).toHaveLength(expected.length);
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.1);
    for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 5);
  });

  test('are made when attention needs them, and never as a whole', async () => {
    const graph = projectByHeads(lowerAttention(await bound(graphOf(), 'F32'), fused), VALUE_BYTES - 1);
    const ordered = inRuntimeOrder(graph).map(({ op }) => op);
    const attentions = ordered.flatMap((op, at) => (op === 'MultiHeadAttention' ? [at] : []));
    const linear = ordered.flatMap((op, at) => (op === 'Gemm' ? [at] : []));
    expect(attentions.length).toBeGreaterThan(4);
    // Two of queries, two of keys and two of values before each; the last layer behind all.
    for (const [i, at] of attentions.entries()) expect(linear.filter((other) => other < at)).toHaveLength(6 * (i + 1));
    const widest = Math.max(
      ...graph.nodes.flatMap(({ op, outputs }) =>
        op === 'RotaryEmbedding' ? [graph.shapeOf(outputs[0] as string)[2] as number] : [],
      ),
    );
    expect(widest).toBeLessThan(WIDTH / 4);
  });

  test('take rows of the layers, all of them once', async () => {
    const graph = projectByHeads(lowerAttention(await bound(graphOf(), 'F16'), fused), VALUE_BYTES - 1);
    const rows = graph.weights.filter(({ key }) => key === 'to_k.weight').map((weight) => weight.rows);
    expect(rows.length).toBeGreaterThan(4);
    expect(rows.reduce((sum, [, length]) => sum + length, 0)).toBe(WIDTH);
    for (const { source, dims } of graph.weights) expect(source?.shape).toEqual(dims);
  });

  test('are cut in stages where there are many', async () => {
    const graph = await bound(graphOf(), 'F32');
    const single = lowerAttention(graph, fusedAttention({ fuseFrom: 0, budget: 1 }));
    expect(count(single, 'Split')).toBeGreaterThan(3);
    const projected = projectByHeads(single, VALUE_BYTES / 4);
    expect(count(projected, 'MultiHeadAttention')).toBe(HEADS);
    expect(await run(projected)).toHaveLength(TOKENS * WIDTH);
  });
});

describe('what stays as it is', () => {
  const attending = (graph: Graph): Graph => lowerAttention(graph, fused);

  test('values that fit', () => {
    const graph = attending(graphOf());
    expect(projectByHeads(graph, VALUE_BYTES)).toBe(graph);
  });

  test('queries that something is added to; keys and values are made by heads all the same', () => {
    const projected = projectByHeads(attending(graphOf((queries) => add(queries, queries))), VALUE_BYTES - 1);
    expect(count(projected, 'Split')).toBe(1);
  });

  test('pieces that are no whole heads, where something is done head by head', () => {
    const graph = attending(graphOf());
    const [queries] = graph.nodes.filter(({ op }) => op === 'Split');
    const constants = graph.constants.map((constant) =>
      constant.name === queries?.inputs[1]
        ? { ...constant, data: constant.data.map((count, i) => count + (i === 0 ? 1 : 0) - (i === 1 ? 1 : 0)) }
        : constant,
    );
    const projected = projectByHeads(graph.with({ constants }), VALUE_BYTES - 1);
    expect(projected.nodes.filter(({ op }) => op === 'Split')).toEqual([queries]);
  });

  test('layers whose weights a pass has put in the place of others', () => {
    const graph = attending(graphOf());
    const weights = graph.weights.map((weight) => ({ ...weight, type: 'int8' as const }));
    const changed = graph.with({ weights });
    expect(projectByHeads(changed, VALUE_BYTES - 1)).toBe(changed);
  });
});
