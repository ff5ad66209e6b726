import { expect, test } from '@jest/globals';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { COMPOSITE_DOMAIN, Graph } from '../../src/graph/Graph.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import { lowerGroupNorm } from '../../src/graph/passes/lowerGroupNorm.js';

const GROUPS = 2;
const EPSILON = 1e-6;

function graphFor(dims: readonly number[]): Graph {
  const [, channels = 1] = dims;
  const ramp = (start: number): number[] => Array.from({ length: channels }, (_, i) => start + i / channels);
  return new Graph({
    name: 'norm',
    weights: [],
    inputs: [{ name: 'x', type: 'float32', rank: 4 }],
    outputs: [{ name: 'y', type: 'float32', rank: 4 }],
    constants: [
      { name: 'gain', type: 'float32', dims: [channels, 1, 1], data: ramp(0.5) },
      { name: 'bias', type: 'float32', dims: [channels, 1, 1], data: ramp(-1) },
    ],
    nodes: [
      {
        op: 'GroupNormalization',
        domain: COMPOSITE_DOMAIN,
        name: 'norm',
        inputs: ['x', 'gain', 'bias'],
        outputs: ['y'],
        attributes: { num_groups: { int: GROUPS }, epsilon: { float: EPSILON } },
      },
    ],
    shapes: new Map([
      ['x', dims],
      ['y', dims],
    ]),
  });
}

/** In float64. */
function expected(x: Float32Array, [count = 1, channels = 1, height = 1, width = 1]: readonly number[]): Float64Array {
  const out = new Float64Array(x.length);
  const size = (channels / GROUPS) * height * width;
  for (let group = 0; group < count * GROUPS; group++) {
    const part = x.subarray(group * size, (group + 1) * size);
    const mean = part.reduce((sum, value) => sum + value, 0) / size;
    const variance = part.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    for (const [i, value] of part.entries()) {
      const channel = Math.floor((group * size + i) / (height * width)) % channels;
      out[group * size + i] =
        ((value - mean) / Math.sqrt(variance + EPSILON)) * (0.5 + channel / channels) - 1 + channel / channels;
    }
  }
  return out;
}

test.each([
  ['small', [2, 4, 3, 5]],
  ['large', [1, 4, 640, 512]],
  ['a large batch', [2, 6, 256, 300]],
  ['a few long lines', [1, 64, 2, 4096]],
])("is torch's group_norm: %s", async (_, dims) => {
  const size = dims.reduce((a, b) => a * b, 1);
  const x = Float32Array.from({ length: size }, (_unused, i) => 0.7 * (i % 5) + Math.sin(i * 0.001) + 3);
  const session = await InferenceSession.create(serializeOnnx(lowerGroupNorm(graphFor(dims))).bytes);
  const { y } = await session.run({ x: new Tensor('float32', x, dims) });
  const want = expected(x, dims);
  const worst = (y!.data as Float32Array).reduce((most, value, i) => Math.max(most, Math.abs(value - want[i]!)), 0);
  expect(y!.dims).toEqual(dims);
  expect(worst).toBeLessThan(5e-6);
  await session.release();
});
