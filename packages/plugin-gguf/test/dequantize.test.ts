import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from '@thimble/core';
import {
  readWeight,
  registerStorageFormat,
  SafetensorsFile,
  sliceRows,
  storageFormatOf,
  storedBytes,
  type TensorView,
} from '@thimble/core/plugin';
import { run } from '../../core/test/support/runWithWeight.js';
import { blockFormats } from '../src/index.js';

/** What gguf's own Python package makes of blocks of each type. */
const CASE = fileURLToPath(new URL('../../core/test/fixtures/gguf', import.meta.url));

interface Call {
  readonly name: string;
  readonly args: { readonly type: string };
  readonly in: { readonly data: string };
  readonly out: {
    readonly values: { readonly tensor: string; readonly shape: readonly number[]; readonly atol: number };
  };
}
const calls = (JSON.parse(readFileSync(join(CASE, 'case.json'), 'utf8')) as { calls: readonly Call[] }).calls.filter(
  ({ name }) => name.startsWith('dequantize.'),
);

let folder: string;
let tensors: SafetensorsFile;
const registered: Disposable[] = [];

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-gguf-')));
  tensors = await SafetensorsFile.open(join(CASE, 'case.safetensors'));
  registered.push(...blockFormats.map((format) => registerStorageFormat(format)));
});
afterAll(() => {
  for (const each of registered) each[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

async function viewOf(call: Call): Promise<TensorView> {
  const data = await tensors.read(call.in.data);
  const file = join(folder, call.name);
  writeFileSync(file, data);
  return {
    name: 'w',
    dtype: call.args.type,
    shape: call.out.values.shape,
    file,
    offset: 0,
    byteLength: data.byteLength,
  };
}

async function widened(view: TensorView, op = 'Identity', ids?: bigint[]): Promise<Float32Array> {
  const [rows = 1, ...row] = view.shape;
  const weight = {
    name: 'w',
    key: 'w',
    shape: view.shape,
    dims: view.shape,
    rows: [0, rows] as const,
    type: 'float32' as const,
    source: view,
  };
  const x = ids === undefined ? undefined : new Tensor('int64', BigInt64Array.from(ids), [1, ids.length]);
  const outDims = ids === undefined ? view.shape : [1, ids.length, ...row];
  return (await run({ op, x, weight, outDims })).y;
}

/** The largest distance, in units of what is allowed; values that are no numbers must be so in both. */
function excess(got: Float32Array, want: Float32Array, atol: number): number {
  expect(got).toHaveLength(want.length);
  return want.reduce((worst, value, i) => {
    if (Number.isNaN(value) && Number.isNaN(got[i])) return worst;
    return Object.is(value, got[i]) ? worst : Math.max(worst, Math.abs(value - got[i]!) / (atol || Number.MIN_VALUE));
  }, 0);
}

describe.each(calls.map((call) => [call.name, call] as const))('%s', (_name, call) => {
  let view: TensorView;
  let want: Float32Array;
  beforeAll(async () => {
    view = await viewOf(call);
    want = await tensors.readFloat32(call.out.values.tensor);
  });

  test('is read as the format says', async () => {
    expect(view.byteLength).toBe(storedBytes(storageFormatOf(view.dtype)!, view.shape));
    expect(excess(await readWeight(view), want, call.out.values.atol)).toBeLessThanOrEqual(1);
  });

  test('is widened in graphs to the same, whole, by rows and as rows of a table', async () => {
    const read = await readWeight(view);
    const width = view.shape[1]!;
    expect(await widened(view)).toEqual(read);
    expect(await widened(sliceRows(view, 1, 1))).toEqual(read.slice(width));
    expect(await widened(view, 'Gather', [1n, 0n, 1n])).toEqual(
      Float32Array.from([1, 0, 1].flatMap((row) => [...read.subarray(row * width, (row + 1) * width)])),
    );
  });
});

test('there is a case for each format', () => {
  const types = new Set(calls.map(({ args }) => args.type));
  expect(blockFormats.filter(({ dtype }) => !types.has(dtype))).toEqual([]);
});
