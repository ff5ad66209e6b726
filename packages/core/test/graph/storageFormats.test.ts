import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as runtime from 'onnxruntime-node';
import type { GraphWeight } from '../../src/graph/Graph.js';
import {
  encodeFloat16,
  Float8Encoder,
  readRowPieces,
  readWeight,
  registerStorageFormat,
  sliceRows,
  storageFormatNames,
  storageFormatOf,
  storedBytes,
  type TensorView,
  transposeView,
} from '../../src/plugin.js';
import { encodeQ8_0, q8_0 } from '../support/q8_0.js';
import { float32, run } from '../support/runWithWeight.js';

const [OUT, IN] = [96, 64];
const values = Float32Array.from({ length: OUT * IN }, (_, i) => Math.sin(i * 12.9898) * 0.3);
const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
/** Each format, and how float32 becomes it. */
const FORMATS: readonly (readonly [dtype: string, encode: (values: Float32Array) => Uint8Array])[] = [
  ['F32', bytesOf],
  ['F16', (floats) => bytesOf(encodeFloat16(floats))],
  ['BF16', (floats) => bytesOf(Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16))],
  ['F8_E4M3', (floats) => Float8Encoder.e4m3fn.encode(floats)],
  ['F8_E5M2', (floats) => Float8Encoder.e5m2.encode(floats)],
  ['Q8_0', (floats) => encodeQ8_0(floats, encodeFloat16)],
];
const x = float32(
  Float32Array.from({ length: 8 * IN }, (_, i) => Math.cos(i * 3.7)),
  [8, IN],
);
let folder: string;
let registered: Disposable;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-storage-')));
  registered = registerStorageFormat(q8_0);
});
afterAll(() => {
  registered[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function write(dtype: string, shape: readonly number[], data: Uint8Array): TensorView {
  const file = join(folder, `${dtype}-${shape.join('x')}`);
  writeFileSync(file, data);
  return { name: 'w', dtype, shape, file, offset: 0, byteLength: data.byteLength };
}

function weightOf(view: TensorView): GraphWeight {
  const [rows = 1] = view.shape;
  return { name: 'w', key: 'w', shape: view.shape, dims: view.shape, rows: [0, rows], type: 'float32', source: view };
}

async function widened(view: TensorView): Promise<Float32Array> {
  return (await run({ op: 'Identity', x: undefined, weight: weightOf(view), outDims: view.shape })).y;
}

async function linear(view: TensorView, options: { budget?: number; float16?: boolean } = {}): Promise<Float32Array> {
  const [outputs = 1] = view.shape;
  const attributes = { transB: { int: 1 } };
  return (await run({ op: 'Gemm', x, weight: weightOf(view), outDims: [8, outputs], attributes, ...options })).y;
}

function product(weight: Float32Array, outputs: number): number[] {
  return Array.from({ length: 8 * outputs }, (_, i) => {
    const [m, n] = [Math.floor(i / outputs), i % outputs];
    let sum = 0;
    for (let k = 0; k < IN; k++) sum += (x.data[m * IN + k] as number) * weight[n * IN + k]!;
    return sum;
  });
}

function expectClose(got: Float32Array, want: readonly number[], tolerance: number): void {
  expect(got).toHaveLength(want.length);
  expect(Math.max(...got.map((value, i) => Math.abs(value - want[i]!)))).toBeLessThan(tolerance);
}

describe.each(FORMATS)('%s', (dtype, encode) => {
  let view: TensorView;
  let want: Float32Array;

  beforeAll(async () => {
    view = write(dtype, [OUT, IN], encode(values));
    want = await readWeight(view);
  });

  test('is as large as it says, and holds what was stored', () => {
    expect(view.byteLength).toBe(storedBytes(storageFormatOf(dtype)!, view.shape));
    expectClose(want, [...values], 0.05);
  });

  test('graphs widen it to what reading it gives, bit for bit', async () => {
    expect(await widened(view)).toEqual(want);
    const rows = sliceRows(view, 32, 32);
    expect(await widened(rows)).toEqual(want.slice(32 * IN, 64 * IN));
    expect(await readWeight(rows)).toEqual(want.slice(32 * IN, 64 * IN));
  });

  test('gathers rows without widening the table', async () => {
    const ids = new runtime.Tensor('int64', BigInt64Array.of(5n, 95n, 0n), [1, 3]);
    const gather = { op: 'Gather', x: ids, weight: weightOf(view), outDims: [1, 3, IN] };
    const rows = [5, 95, 0].flatMap((row) => [...want.subarray(row * IN, (row + 1) * IN)]);
    expect((await run(gather)).y).toEqual(Float32Array.from(rows));
    expectClose((await run({ ...gather, float16: true })).y, rows, 1e-3);
  });

  test('a linear layer multiplies with it, whole, split and in float16', async () => {
    const exact = product(want, OUT);
    expect(exact).toHaveLength(8 * OUT);
    expectClose(await linear(view), exact, 1e-4);
    expectClose(await linear(view, { budget: 10_000 }), exact, 1e-4);
    expectClose(await linear(view, { float16: true }), exact, 0.05);
  });

  test('a matrix that lies transposed is used the other way round, whole and by rows', async () => {
    const stored = write(
      dtype,
      [IN, OUT],
      encode(Float32Array.from(values, (_, i) => values[(i % OUT) * IN + Math.floor(i / OUT)]!)),
    );
    const turned = transposeView(stored);
    const turnedValues = await readWeight(turned);
    expectClose(turnedValues, [...values], 0.05);
    const lying = await readWeight(stored);
    expect(turnedValues).toEqual(Float32Array.from(lying, (_, i) => lying[(i % IN) * OUT + Math.floor(i / IN)]!));
    expect(await widened(turned)).toEqual(turnedValues);
    for (const [part, from, count] of [
      [turned, 0, OUT],
      [sliceRows(turned, 16, 40), 16, 40],
      [sliceRows(sliceRows(turned, 16, 40), 8, 4), 24, 4],
    ] as const) {
      const partValues = turnedValues.slice(from * IN, (from + count) * IN);
      expect(await readWeight(part)).toEqual(partValues);
      expect(await widened(part)).toEqual(partValues);
      expectClose(await linear(part, { budget: 10_000 }), product(partValues, count), 1e-4);
      expectClose(await linear(part, { float16: true }), product(partValues, count), 0.05);
    }
  });
});

test.each(['F8_E4M3', 'F8_E5M2'])(
  '%s with one scale for all: what reading gives, whole, by rows and gathered',
  async (dtype) => {
    const encoder = dtype === 'F8_E4M3' ? Float8Encoder.e4m3fn : Float8Encoder.e5m2;
    const plain = write(dtype, [OUT, IN], encoder.encode(values));
    const scale = write('F32', [], bytesOf(Float32Array.of(0.037)));
    const view = { ...plain, dtype: `${dtype}_SCALED`, scale };
    const want = (await readWeight(plain)).map((value) => value * Math.fround(0.037));
    expect(await readWeight(view)).toEqual(want);
    expect(await widened(view)).toEqual(want);
    const rows = sliceRows(view, 32, 32);
    expect(await widened(rows)).toEqual(want.slice(32 * IN, 64 * IN));
    const ids = new runtime.Tensor('int64', BigInt64Array.of(5n, 95n), [1, 2]);
    const gathered = await run({ op: 'Gather', x: ids, weight: weightOf(view), outDims: [1, 2, IN] });
    expect(gathered.y).toEqual(
      Float32Array.from([5, 95].flatMap((row) => [...want.subarray(row * IN, (row + 1) * IN)])),
    );
    expectClose(await linear(view, { budget: 10_000 }), product(want, OUT), 1e-4);
    expectClose(await linear(view, { float16: true }), product(want, OUT), 0.05);
  },
);

test('a format of an outsider is there while it is registered, and no name is taken twice', () => {
  expect(storageFormatNames()).toContain('Q8_0');
  expect(() => registerStorageFormat({ ...q8_0 })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }));
  registered[Symbol.dispose]();
  expect(storageFormatOf('Q8_0')).toBeUndefined();
  registered = registerStorageFormat(q8_0);
});

test('what no weight can be is refused by name', () => {
  const view = write('I64', [2], new Uint8Array(16));
  expect(() => readRowPieces(view)).toThrow(expect.objectContaining({ code: 'ERR_DTYPE_UNSUPPORTED' }));
});
