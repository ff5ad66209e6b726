import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DiffusionPipeline, type FromPretrainedOptions } from '@thimble/core';
import {
  readTensor,
  readWeight,
  registerStorageFormat,
  SafetensorsFile,
  type TensorToWrite,
  writeSafetensors,
} from '@thimble/core/plugin';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { blockFormats, GgufFile, GgufPlugin, registerGguf } from '../src/index.js';
import { computeInNBits } from '../src/nbits/computeInNBits.js';
import { nBitsKeys } from '../src/nbits/blockLinears.js';
import { NBitsWeights } from '../src/nbits/NBitsWeights.js';
import { encodeQ4_0, encodeQ8_0 } from './support/quantize.js';
import { type GgufTensor, writeGguf } from './support/writeGguf.mjs';

const fixture = (name: string): string => fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-gguf-')));
const GGUF = join(folder, 'xl.gguf');
/** The same values as float32. */
const WIDENED = join(folder, 'widened.safetensors');
const TYPES: Readonly<Record<string, number>> = { F32: 0, F16: 1, BF16: 30 };

/** SDXL in one file with the original keys, as stable-diffusion.cpp writes it: matrices in blocks, what else there is as it was. */
beforeAll(async () => {
  const source = await SafetensorsFile.open(fixture('single-file/sdxl.safetensors'));
  const tensors: GgufTensor[] = [];
  for (const [name, view] of source.tensors) {
    const { shape, dtype } = view;
    const type = TYPES[dtype];
    if (type === undefined) continue;
    const sizes = shape.toReversed();
    if (shape.length !== 2 || sizes[0]! % 32 !== 0) {
      tensors.push({ name, sizes, type, data: await readTensor(view) });
      continue;
    }
    const values = await readWeight(view);
    const four = name.includes('.ff.');
    tensors.push({ name, sizes, type: four ? 2 : 8, data: four ? encodeQ4_0(values) : encodeQ8_0(values) });
  }
  expect(tensors.filter(({ type }) => type === 2).length).toBeGreaterThan(5);
  expect(tensors.filter(({ type }) => type === 8).length).toBeGreaterThan(30);
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
  writeFileSync(GGUF, writeGguf({ tensors }));
  const registered = blockFormats.map((format) => registerStorageFormat(format));
  const widened = new Map<string, TensorToWrite>();
  for (const [name, view] of (await GgufFile.open(GGUF)).tensors)
    widened.set(name, { dtype: 'F32', shape: view.shape, data: new Uint8Array((await readWeight(view)).buffer) });
  await writeSafetensors(WIDENED, widened);
  for (const each of registered) each[Symbol.dispose]();
});
afterAll(() => {
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true });
});

async function open(path: string, options: FromPretrainedOptions = {}): Promise<DiffusionPipeline> {
  const deviceOptions = { inline: true, threads: 1 };
  return DiffusionPipeline.fromPretrained(path, { config: fixture('sdxl-tiny'), deviceOptions, ...options });
}

async function picture(pipe: DiffusionPipeline): Promise<Float32Array> {
  const options = { numInferenceSteps: 1, seed: 3, width: 32, height: 32, outputType: 'tensor' } as const;
  return (await pipe.generate('a red fox', options)).images.data as Float32Array;
}

const distance = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

test('a GGUF file in the original layout draws what the same values draw as float32, fused projections and transposes included', async () => {
  await using reference = await open(WIDENED);
  const want = await picture(reference);
  await using pipe = await open(GGUF, { plugins: [new GgufPlugin()] });
  const dtypes = Object.values(pipe.components).flatMap(({ weights }) =>
    [...weights.keys()].map((key) => weights.find(key)!.dtype),
  );
  expect(new Set(dtypes)).toEqual(new Set(['Q8_0', 'Q4_0', 'F16']));
  expect(distance(await picture(pipe), want)).toBeLessThan(2e-5);

  const offload = await pipe.use(new SequentialOffloadPlugin());
  expect(distance(await picture(pipe), want)).toBeLessThan(2e-5);
  await offload.remove();
  // What lies in blocks stays as it lies under a cast; what else there is is cast.
  const casting = await pipe.use(new LayerwiseCastingPlugin());
  const { weights } = pipe.components['unet']!;
  expect(new Set([...weights.keys()].map((key) => weights.find(key)!.dtype))).toEqual(
    new Set(['Q8_0', 'Q4_0', 'F16', 'F8_E4M3']),
  );
  const cast = distance(await picture(pipe), want);
  expect([cast > 1e-4, cast < 0.5]).toEqual([true, true]);
  await casting.remove();
  expect(distance(await picture(pipe), want)).toBeLessThan(2e-5);
});

test('linear layers by MatMulNBits draw the same, whole and in rows', async () => {
  await using reference = await open(WIDENED);
  const want = await picture(reference);
  const plugin = new GgufPlugin({ computeType: 'matmul_nbits' });
  await using pipe = await open(GGUF, { plugins: [plugin] });
  const operators = new Map<string, number>();
  pipe.hooks.transformGraph.tap({ name: 'test:count', stage: { name: 'test', after: 'nbits' } }, (graph) => {
    for (const { op } of graph.nodes) operators.set(op, (operators.get(op) ?? 0) + 1);
    return undefined;
  });
  expect(distance(await picture(pipe), want)).toBeLessThan(2e-5);
  expect(operators.get('MatMulNBits')).toBeGreaterThan(50);

  const { unet } = pipe.components;
  await using weights = await NBitsWeights.of(unet!.weights, nBitsKeys(unet!));
  using registered = registerGguf();
  void registered;
  await using inRows = await open(GGUF);
  const budget = 32 * 4 * 8;
  let parts = 0;
  inRows.hooks.transformGraph.tap('test:rows', (graph, { component }) => {
    if (component !== 'unet') return undefined;
    const changed = computeInNBits(graph, { budget, packs: false, find: (weight) => weights.find(weight) });
    parts += changed.nodes.filter(({ op }) => op === 'MatMulNBits').length;
    return changed;
  });
  expect(distance(await picture(inRows), want)).toBeLessThan(2e-5);
  expect(parts).toBeGreaterThan(4 * operators.get('MatMulNBits')!);
});

test('without the plugin, the formats that there are are named', async () => {
  await expect(open(GGUF)).rejects.toMatchObject({
    code: 'ERR_TENSOR_FILE_UNKNOWN',
    message: expect.stringMatching(/formats: safetensors/),
  });
});
