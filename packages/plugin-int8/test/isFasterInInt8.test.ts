import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { DiffusionPipeline } from '@thimble/core';
import { isFasterInInt8 } from '../src/isFasterInInt8.js';
import { SD_TINY } from './support/SD_TINY.js';

jest.unstable_mockModule('../src/isFasterInInt8.js', () => ({ isFasterInInt8: () => false }));
const { Int8ComputePlugin } = await import('../src/Int8ComputePlugin.js');

const cache = mkdtempSync(join(tmpdir(), 'thimble-int8-'));
const environment = process.env['THIMBLE_CACHE'];
process.env['THIMBLE_CACHE'] = cache;
afterAll(() => {
  if (environment === undefined) delete process.env['THIMBLE_CACHE'];
  else process.env['THIMBLE_CACHE'] = environment;
  rmSync(cache, { recursive: true, force: true });
});

test.each([
  ['AVX2', ['avx', 'avx2', 'fma'], true],
  ['AVX-512 with VNNI', ['avx', 'avx2', 'avx512f', 'avx512bw', 'avx512_vnni'], true],
  ['ARM with dot products', ['asimd', 'asimddp'], true],
  ['ARM without', ['asimd'], false],
  ['AVX alone', ['avx', 'f16c'], false],
  ['one that cannot be read', [], true],
])('a processor of %s', (_name, sets, expected) => {
  expect(isFasterInInt8(sets)).toBe(expected);
});

test('where int8 gains nothing, nothing is made and a warning says so', async () => {
  const pipe = await DiffusionPipeline.fromPretrained(SD_TINY, { deviceOptions: { inline: true, threads: 1 } });
  try {
    const options = { width: 64, height: 64, numInferenceSteps: 1, seed: 1, outputType: 'tensor' as const };
    const plain = (await pipe.generate('a cat', options)).images.data;
    await pipe.use(new Int8ComputePlugin({ minimumOperations: 0, components: ['unet'] }));
    const warnings: string[] = [];
    for await (const event of pipe.stream('a cat', options)) if (event.type === 'warning') warnings.push(event.code);
    expect(warnings).toEqual(['WARN_INT8_SLOW']);
    expect((await pipe.generate('a cat', options)).images.data).toEqual(plain);
    expect(existsSync(join(cache, 'weights'))).toBe(false);
  } finally {
    await pipe.dispose();
  }
});
