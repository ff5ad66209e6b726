import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as runtime from 'onnxruntime-node';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { GraphWeight } from '../../src/graph/Graph.js';
import { decodeFloat8E4m3fn } from '../../src/weights/files/decodeFloat8E4m3fn.js';
import { decodeFloat8E5m2 } from '../../src/weights/files/decodeFloat8E5m2.js';
import { decodeFloat16 } from '../../src/weights/files/decodeFloat16.js';
import { encodeFloat16 } from '../../src/weights/files/encodeFloat16.js';
import { Float8Encoder } from '../../src/weights/files/Float8Encoder.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { float32, run, type WeightCase } from '../support/runWithWeight.js';

const CODES = Uint8Array.from({ length: 2 ** 15 }, (_, i) => i);
const FORMATS = [
  ['float8_e4m3fn', 'F8_E4M3', decodeFloat8E4m3fn, Float8Encoder.e4m3fn],
  ['float8_e5m2', 'F8_E5M2', decodeFloat8E5m2, Float8Encoder.e5m2],
] as const;
const noise = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898) * 0.3);
let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-widen-')));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function stored(
  dtype: 'F8_E4M3' | 'F8_E5M2' | 'I8',
  data: Uint8Array,
  shape: readonly number[],
  scale?: Float32Array,
): Promise<GraphWeight> {
  const path = join(folder, `${dtype}-${shape.join('x')}.safetensors`);
  const scales =
    scale === undefined
      ? {}
      : { s: { dtype: 'F32' as const, shape: [scale.length], data: new Uint8Array(scale.buffer) } };
  await writeSafetensors(path, { w: { dtype, shape, data }, ...scales });
  const { tensors } = await SafetensorsFile.open(path);
  const s = tensors.get('s');
  const source = tensors.get('w')!;
  return {
    name: 'w',
    key: 'w',
    shape,
    dims: shape,
    rows: [0, shape[0]!],
    type: 'float32',
    source: s === undefined ? source : { ...source, dtype: 'I8_ROWS', scale: s },
  };
}

describe.each(FORMATS)('%s', (_name, dtype, decode, encoder) => {
  test('moving bits gives the value of every code', async () => {
    const weight = await stored(dtype, CODES, [128, 256]);
    const { y, nodes } = await run({
      op: 'Identity',
      x: undefined,
      weight,
      outDims: [128, 256],
      options: { fast: true },
    });
    const want = decode(CODES);
    expect(nodes).toBeGreaterThan(3);
    const wrong = [...y.keys()].filter((i) => !Number.isNaN(want[i]) && !Object.is(y[i], want[i]));
    expect(wrong.map((i) => [CODES[i], y[i], want[i]])).toEqual([]);
  });

  test('a linear layer and a convolution give bit for bit what they give by Cast, split or not', async () => {
    const linear = await stored(dtype, encoder.encode(noise(512 * 256)), [512, 256]);
    const convolution = await stored(dtype, encoder.encode(noise(128 * 64 * 9)), [128, 64, 3, 3]);
    const cases: WeightCase[] = [
      {
        op: 'Gemm',
        x: float32(noise(64 * 256), [64, 256]),
        weight: linear,
        outDims: [64, 512],
        attributes: { transB: { int: 1 } },
      },
      {
        op: 'Conv',
        x: float32(noise(64 * 64), [1, 64, 8, 8]),
        weight: convolution,
        outDims: [1, 128, 8, 8],
        attributes: { pads: { ints: [1, 1, 1, 1] } },
      },
      {
        op: 'Conv',
        x: float32(noise(64 * 1600), [1, 64, 40, 40]),
        weight: convolution,
        outDims: [1, 128, 40, 40],
        attributes: { pads: { ints: [1, 1, 1, 1] } },
      },
    ];
    for (const each of cases) {
      for (const budget of [Infinity, 400_000]) {
        const cast = await run({ ...each, budget });
        const bits = await run({ ...each, budget, options: { fast: true } });
        expect(bits.nodes).toBeGreaterThan(cast.nodes);
        expect(bits.y).toEqual(cast.y);
      }
    }
  });
});

describe('int8', () => {
  test('rows are multiplied by their scales, whole, split and gathered', async () => {
    const codes = Int8Array.from({ length: 96 * 64 }, (_, i) => ((i * 37) % 255) - 127);
    const scale = Float32Array.from({ length: 96 }, (_, i) => 0.001 * (i + 1));
    const weight = await stored('I8', new Uint8Array(codes.buffer), [96, 64], scale);
    const want = Float32Array.from(codes, (code, i) => Math.fround(code * scale[Math.floor(i / 64)]!));
    expect((await run({ op: 'Identity', x: undefined, weight, outDims: [96, 64] })).y).toEqual(want);
    const ids = new runtime.Tensor('int64', BigInt64Array.of(5n, 95n, 0n), [1, 3]);
    const rows = await run({ op: 'Gather', x: ids, weight, outDims: [1, 3, 64] });
    expect(rows.y).toEqual(Float32Array.from([5, 95, 0].flatMap((row) => [...want.subarray(row * 64, row * 64 + 64)])));
    const linear = {
      op: 'Gemm',
      x: float32(noise(8 * 64), [8, 64]),
      weight,
      outDims: [8, 96],
      attributes: { transB: { int: 1 } },
    };
    const [whole, parts] = [await run(linear), await run({ ...linear, budget: 10_000 })];
    expect(parts.nodes).toBeGreaterThan(whole.nodes);
    const exact = Array.from({ length: 8 * 96 }, (_, i) => {
      const [m, n] = [Math.floor(i / 96), i % 96];
      return Array.from({ length: 64 }, (__, k) => (linear.x.data[m * 64 + k] as number) * want[n * 64 + k]!).reduce(
        (a, b) => a + b,
      );
    });
    const half = await run({ ...linear, float16: true });
    expect(Math.max(...half.y.map((value, i) => Math.abs(value - exact[i]!)))).toBeLessThan(0.02);
    expect((await run({ op: 'Gather', x: ids, weight, outDims: [1, 3, 64], float16: true })).y).toEqual(
      decodeFloat16(encodeFloat16(rows.y)),
    );
    for (const got of [whole.y, parts.y])
      expect(Math.max(...got.map((value, i) => Math.abs(value - exact[i]!)))).toBeLessThan(1e-4);
  });
});
