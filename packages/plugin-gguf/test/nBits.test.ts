import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  DerivedWeightsCache,
  readTensor,
  readWeight,
  registerStorageFormat,
  SafetensorsFile,
  type TensorView,
} from '@thimble/core/plugin';
import { blockFormats, GgufFile } from '../src/index.js';
import { nBitsFormats } from '../src/nbits/nBitsFormats.js';
import { nBitsRecipe, scaleName, zeroPointName } from '../src/nbits/nBitsRecipe.js';
import { writeGguf } from './support/writeGguf.mjs';

/** Blocks of each type, and what gguf's own Python package makes of them. */
const CASE = fileURLToPath(new URL('../../core/test/fixtures/gguf', import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-gguf-')));
const registered: Disposable[] = [];
let tensors: SafetensorsFile;

interface Call {
  readonly name: string;
  readonly args: { readonly type: string; readonly type_id: number };
  readonly in: { readonly data: string };
  readonly out: { readonly values: { readonly shape: readonly number[] } };
}
const { calls } = JSON.parse(readFileSync(join(CASE, 'case.json'), 'utf8')) as { calls: readonly Call[] };

beforeAll(async () => {
  tensors = await SafetensorsFile.open(join(CASE, 'case.safetensors'));
  registered.push(...blockFormats.map((format) => registerStorageFormat(format)));
});
afterAll(() => {
  for (const each of registered) each[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** What the operator computes with: (code − zero point) · scale, in float32. */
async function valuesOf(made: ReadonlyMap<string, TensorView>, bits: 4 | 8): Promise<Float32Array> {
  const codes = await readTensor(made.get('w')!);
  const scales = await readWeight(made.get(scaleName('w'))!);
  const zeroPoints = made.get(zeroPointName('w'));
  const zeros = zeroPoints === undefined ? undefined : await readWeight(zeroPoints);
  return Float32Array.from({ length: scales.length * 32 }, (_, i) => {
    const code = bits === 8 ? codes[i]! : (codes[i >> 1]! >> (4 * (i & 1))) & 0x0f;
    return Math.fround(code - (zeros?.[i >> 5] ?? 2 ** (bits - 1))) * scales[i >> 5]!;
  });
}

describe.each(calls.filter(({ args, name }) => name.startsWith('dequantize.') && nBitsFormats.has(args.type)))(
  '$args.type',
  (call) => {
    test('in the layout of MatMulNBits has the values of the format', async () => {
      const [rows = 1, width = 1] = call.out.values.shape;
      const path = join(folder, `${call.args.type}.gguf`);
      const tensor = {
        name: 'w',
        sizes: [width, rows],
        type: call.args.type_id,
        data: await tensors.read(call.in.data),
      };
      writeFileSync(path, writeGguf({ tensors: [tensor] }));
      const view = (await GgufFile.open(path)).tensors.get('w')!;
      const cache = new DerivedWeightsCache({ folder: join(folder, 'cache'), maxBytes: 2 ** 30 });
      await using made = await cache.open(nBitsRecipe(new Map([['w', view]])));
      const { bits, exact } = nBitsFormats.get(call.args.type)!;
      const got = await valuesOf(made.tensors, bits);
      const want = await readWeight(view);
      if (exact) return expect(got).toEqual(want);
      for (let at = 0; at < want.length; at += 32) {
        const largest = want.subarray(at, at + 32).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const block = [...want.subarray(at, at + 32)];
        expect(block.findIndex((value, i) => !(Math.abs(got[at + i]! - value) <= largest * 2 ** -20))).toBe(-1);
      }
    });
  },
);
