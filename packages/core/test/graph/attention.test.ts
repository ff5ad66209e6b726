import { describe, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import { GraphBuilder } from '../../src/graph/GraphBuilder.js';
import { attention } from '../../src/graph/nn/attention.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import { type AttentionLowering, lowerAttention } from '../../src/graph/passes/AttentionLowering.js';
import { chunkedAttention } from '../../src/graph/passes/chunkedAttention.js';
import { defaultAttention } from '../../src/graph/passes/defaultAttention.js';
import { fusedAttention } from '../../src/graph/passes/fusedAttention.js';
import { slicedAttention } from '../../src/graph/passes/slicedAttention.js';
import { TorchGenerator } from '../../src/random/TorchGenerator.js';
import type { Graph } from '../../src/graph/Graph.js';

interface Case {
  readonly n: number;
  readonly q: number;
  readonly k: number;
  readonly heads: number;
  readonly d: number;
  readonly causal?: boolean;
  readonly mask?: readonly number[];
}

const CASES: readonly Case[] = [
  { n: 2, q: 19, k: 19, heads: 4, d: 8 },
  { n: 2, q: 19, k: 7, heads: 4, d: 10 },
  { n: 1, q: 33, k: 33, heads: 1, d: 512 },
  { n: 2, q: 13, k: 13, heads: 3, d: 8, causal: true },
  { n: 2, q: 5, k: 11, heads: 2, d: 8, causal: true },
  { n: 2, q: 12, k: 9, heads: 3, d: 8, mask: [2, 3, 12, 9] },
  { n: 2, q: 12, k: 9, heads: 3, d: 8, mask: [2, 1, 1, 9] },
  { n: 2, q: 12, k: 9, heads: 3, d: 8, mask: [1, 3, 12, 9] },
  { n: 2, q: 12, k: 12, heads: 2, d: 8, mask: [1, 1, 1, 12], causal: true },
];

const LOWERINGS: Readonly<Record<string, AttentionLowering>> = {
  'plain, whole': chunkedAttention(Infinity),
  'plain, in chunks': chunkedAttention(600),
  'plain, query by query': chunkedAttention(1),
  'fused on the CPU': fusedAttention(),
  'fused on other providers': fusedAttention({ provider: 'cuda' }),
  'slices, auto': slicedAttention('auto'),
  'slices, max': slicedAttention('max'),
  'slices of 5': slicedAttention(5),
  'slices of more than there are': slicedAttention(99),
  'slices, cut along the queries': slicedAttention('auto', 500),
};

function graphOf({ n, q, k, heads, d, causal = false, mask }: Case): Graph {
  const builder = new GraphBuilder('attention');
  const [query, key, value] = [
    ['q', q],
    ['k', k],
    ['v', k],
  ].map(([name, tokens]) => builder.input(name as string, 'float32', [n, tokens as number, heads * d])) as [
    never,
    never,
    never,
  ];
  const added = mask === undefined ? {} : { mask: builder.input('mask', 'float32', mask) };
  builder.output('y', attention(query, key, value, { heads, causal, ...added }));
  return builder.build();
}

function inputsOf({ n, q, k, heads, d, mask }: Case): Record<string, Tensor> {
  const generator = new TorchGenerator(3);
  const randn = (dims: readonly number[]): Tensor => generator.randn(dims);
  return {
    q: randn([n, q, heads * d]),
    k: randn([n, k, heads * d]),
    v: randn([n, k, heads * d]),
    ...(mask === undefined ? {} : { mask: randn(mask) }),
  };
}

/** Scaled dot-product attention in float64, by the definition. */
function expected(
  { n, q, k, heads, d, causal = false, mask }: Case,
  inputs: Readonly<Record<string, Tensor>>,
): Float64Array {
  const [Q, K, V] = ['q', 'k', 'v'].map((name) => inputs[name]!.data as Float32Array) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const out = new Float64Array(n * q * heads * d);
  const width = heads * d;
  const added = (b: number, h: number, i: number, j: number): number => {
    if (causal && j > i) return -Infinity;
    if (mask === undefined) return 0;
    const [samples, maskHeads, rows] = mask as [number, number, number];
    return Number(
      inputs['mask']!.data[
        (((samples === 1 ? 0 : b) * maskHeads + (maskHeads === 1 ? 0 : h)) * rows + (rows === 1 ? 0 : i)) * k + j
      ],
    );
  };
  for (let b = 0; b < n; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < q; i++) {
        const scores = Array.from({ length: k }, (_, j) => {
          let sum = 0;
          for (let c = 0; c < d; c++) sum += Q[(b * q + i) * width + h * d + c]! * K[(b * k + j) * width + h * d + c]!;
          return sum / Math.sqrt(d) + added(b, h, i, j);
        });
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const total = weights.reduce((a, x) => a + x, 0);
        for (let c = 0; c < d; c++)
          out[(b * q + i) * width + h * d + c] = weights.reduce(
            (sum, weight, j) => sum + (weight / total) * V[(b * k + j) * width + h * d + c]!,
            0,
          );
      }
  return out;
}

async function compute(graph: Graph, inputs: Readonly<Record<string, Tensor>>): Promise<Float32Array> {
  const device = new InlineDevice({ provider: 'cpu' });
  try {
    const session = await device.load(serializeOnnx(graph));
    const names = Object.fromEntries(Object.keys(inputs).map((name) => [name, name]));
    const { downloaded } = await device.run({
      inputs,
      steps: [{ session, feeds: names, results: { y: 'y' }, release: [] }],
      outputs: { y: 'download' },
    });
    return downloaded['y']!.data as Float32Array;
  } finally {
    await device.dispose();
  }
}

describe.each(Object.entries(LOWERINGS))('%s', (_, lowering) => {
  test.each(CASES)('%j', async (given) => {
    const inputs = inputsOf(given);
    const want = expected(given, inputs);
    const got = await compute(lowerAttention(graphOf(given), lowering), inputs);
    // Sums of up to 512 products, in whatever order the processor's kernel adds them up.
    expect(want.reduce((worst, x, i) => Math.max(worst, Math.abs(x - got[i]!)), 0)).toBeLessThan(5e-6);
  });
});

test('the fused kernel stands where it is fused and pays', () => {
  const fused = (given: Case, options: Parameters<typeof fusedAttention>[0] = {}): boolean =>
    lowerAttention(graphOf(given), fusedAttention(options)).nodes.some(({ op }) => op === 'MultiHeadAttention');
  const large = { n: 1, q: 4096, k: 4096, heads: 8, d: 40 };
  expect(fused(large)).toBe(true);
  expect(fused({ n: 1, q: 4096, k: 4096, heads: 1, d: 512 })).toBe(true);
  expect(fused({ ...large, k: 77 })).toBe(false);
  expect(fused({ ...large, mask: [1, 1, 1, 4096] })).toBe(false);
  expect(fused({ ...large, k: 77 }, { provider: 'webgpu' })).toBe(true);
});

test('on the CPU scores are computed head by head where those of all heads leave its cache', () => {
  const large = { n: 1, q: 4096, k: 4096, heads: 8, d: 40 };
  const softmaxes = (given: Case, lowering: AttentionLowering): number =>
    lowerAttention(graphOf(given), lowering).nodes.filter(({ op }) => op === 'Softmax').length;
  // 64 MB of scores a head in chunks of 8 MB; elsewhere 32 MB.
  expect(softmaxes(large, defaultAttention(2 ** 25, 'cpu'))).toBe(64);
  expect(softmaxes(large, defaultAttention(2 ** 25, 'webgpu'))).toBe(16);
  expect(softmaxes({ ...large, q: 1024, k: 1024 }, fusedAttention())).toBe(8);
  expect(softmaxes({ ...large, q: 256, k: 256 }, defaultAttention(2 ** 25, 'cpu'))).toBe(1);
});

test('the fused kernel gets some heads at a time where its copies would be large', async () => {
  const given = { n: 2, q: 2048, k: 2056, heads: 5, d: 8 };
  const inputs = inputsOf(given);
  // A head takes 400 kB of copies.
  const [whole, inGroups] = [fusedAttention(), fusedAttention({ budget: 850_000 })].map((lowering) =>
    lowerAttention(graphOf(given), lowering),
  ) as [Graph, Graph];
  expect([whole, inGroups].map(({ nodes }) => nodes.filter(({ op }) => op === 'MultiHeadAttention').length)).toEqual([
    1, 3,
  ]);
  const [want, got] = [await compute(whole, inputs), await compute(inGroups, inputs)];
  expect(want.reduce((worst, x, i) => Math.max(worst, Math.abs(x - got[i]!)), 0)).toBeLessThan(5e-6);
});

test.each(['auto', 'max', 16] as const)('scores stay within the budget in slices of %s', (size) => {
  // 16 pairs of 4 MB in pieces of 1 MB.
  const graph = lowerAttention(graphOf({ n: 2, q: 1024, k: 1024, heads: 8, d: 40 }), slicedAttention(size, 2 ** 20));
  expect(graph.nodes.filter(({ op }) => op === 'Softmax').length).toBe(64);
});

test.each(Object.keys(LOWERINGS))('%s: nothing is cut into more than a shader has buffers for', (name) => {
  const splits = CASES.flatMap((each) =>
    lowerAttention(graphOf(each), LOWERINGS[name]!).nodes.filter(({ op }) => op === 'Split'),
  );
  expect(splits.filter(({ outputs }) => outputs.length > 15)).toEqual([]);
});
