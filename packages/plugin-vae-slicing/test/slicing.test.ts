import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type Component, DiffusionPipeline, type Image, Tensor } from '@thimble/core';
import { concatBatch, SafetensorsFile, splitBatch } from '@thimble/core/plugin';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';
import { VaeSlicingPlugin } from '../src/index.js';

interface Expected {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly atol: number;
  readonly rtol: number;
}
interface Call {
  readonly name: string;
  readonly in: Readonly<Record<string, string>>;
  readonly out: Readonly<Record<string, Expected>>;
}

const FOLDER = fileURLToPath(new URL('../../core/test/fixtures/vae-tiling', import.meta.url));
const { calls } = JSON.parse(readFileSync(`${FOLDER}/case.json`, 'utf8')) as { calls: Call[] };
let tensors: SafetensorsFile;
let pipe: DiffusionPipeline;
let vae: Component;

beforeAll(async () => {
  tensors = await SafetensorsFile.open(`${FOLDER}/case.safetensors`);
});
beforeEach(async () => {
  pipe = await DiffusionPipeline.fromPretrained(`${FOLDER}/kl`, { deviceOptions: { inline: true, threads: 1 } });
  vae = pipe.components['vae']!;
});
afterEach(async () => {
  await pipe.dispose();
});

async function tensor(name: string): Promise<Tensor> {
  return new Tensor('float32', await tensors.readFloat32(name), tensors.tensors.get(name)!.shape);
}

async function sizesWithin(work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const watch =
    (next: (x: Tensor) => Promise<Tensor>) =>
    async (x: Tensor): Promise<Tensor> => {
      seen.push(x.dims.join('x'));
      return next(x);
    };
  using decoding = pipe.hooks.beforeDecode.tap({ name: 'watch', stage: 1 }, ({ wrap }) => wrap(watch));
  using encoding = pipe.hooks.beforeEncode.tap({ name: 'watch', stage: 1 }, ({ wrap }) => wrap(watch));
  void [decoding, encoding];
  await work();
  return seen;
}

/** Kernels add up in another order in a batch; alone it is the very same. */
function expectAlmostEqual(got: Tensor, want: Tensor): void {
  expect(got.dims).toEqual(want.dims);
  expect(largestDifference(got.data as Float32Array, want.data as Float32Array)).toBeLessThan(2e-5);
}

function largestDifference(a: Float32Array | Uint8Array, b: Float32Array | Uint8Array): number {
  expect(a).toHaveLength(b.length);
  return [...a].reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}

const BATCH = new Tensor(
  'float32',
  Float32Array.from({ length: 3 * 4 * 6 * 5 }, (_, i) => Math.sin(i)),
  [3, 4, 6, 5],
);
const PICTURES = new Tensor(
  'float32',
  Float32Array.from({ length: 2 * 3 * 16 * 24 }, (_, i) => Math.cos(i)),
  [2, 3, 16, 24],
);

test('decodes one picture at a time, to the same numbers', async () => {
  const { sample } = await vae.decode({ z: BATCH });
  await pipe.use(new VaeSlicingPlugin());
  let sliced: Tensor | undefined;
  expect(
    await sizesWithin(async () => {
      sliced = (await vae.decode({ z: BATCH })).sample;
    }),
  ).toEqual(['1x4x6x5', '1x4x6x5', '1x4x6x5']);
  expectAlmostEqual(sliced!, sample);
});

test('encodes one picture at a time, to the same numbers', async () => {
  const { moments } = await vae.encode({ x: PICTURES });
  await pipe.use(new VaeSlicingPlugin());
  let sliced: Tensor | undefined;
  expect(
    await sizesWithin(async () => {
      sliced = (await vae.encode({ x: PICTURES })).moments;
    }),
  ).toEqual(['1x3x16x24', '1x3x16x24']);
  expectAlmostEqual(sliced!, moments);
});

test('each picture is bit for bit what it is alone', async () => {
  const alone = await Promise.all(splitBatch(BATCH).map(async (z) => (await vae.decode({ z })).sample));
  await pipe.use(new VaeSlicingPlugin());
  expect((await vae.decode({ z: BATCH })).sample.data).toEqual(concatBatch(alone).data);
});

test('hands each picture on before the next one is decoded', async () => {
  await pipe.use(new VaeSlicingPlugin());
  const order: string[] = [];
  const tap = pipe.hooks.beforeDecode.tap({ name: 'watch', stage: 1 }, ({ wrap }) =>
    wrap((next) => async (z) => {
      order.push('decode');
      return next(z);
    }),
  );
  await vae.decodeRows({ z: BATCH }, ({ index, top, height, rows }) => {
    order.push(`picture ${index}`);
    expect([top, height, rows.dims[0]]).toEqual([0, rows.dims[2], 1]);
  });
  tap[Symbol.dispose]();
  expect(order).toEqual(['decode', 'picture 0', 'decode', 'picture 1', 'decode', 'picture 2']);
});

test.each([['before'], ['after']])(
  'slices are cut into tiles where tiling was installed %s it, as in diffusers',
  async (when) => {
    if (when === 'before') await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
    await pipe.use(new VaeSlicingPlugin());
    if (when === 'after') await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
    const call = calls.find(({ name }) => name === 'kl.sliced-tiled.20x18')!;
    const z = await tensor(Object.values(call.in)[0]!);
    let got: Tensor | undefined;
    const seen = await sizesWithin(async () => {
      got = (await vae.decode({ z })).sample;
    });
    expect(new Set(seen.map((dims) => dims[0]))).toEqual(new Set(['1']));
    const { tensor: name, shape, atol, rtol } = Object.values(call.out)[0]!;
    expect(got!.dims).toEqual(shape);
    const want = (await tensor(name)).data as Float32Array;
    const worst = want.reduce(
      (most, b, i) => Math.max(most, Math.abs((got!.data as Float32Array)[i]! - b) / (atol + rtol * Math.abs(b))),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1);
  },
);

test('leaves nothing behind when it is removed', async () => {
  const handle = await pipe.use(new VaeSlicingPlugin());
  await handle.remove();
  expect(await sizesWithin(() => vae.decode({ z: BATCH }))).toEqual(['3x4x6x5']);
});

test('an abort between slices ends the decoding', async () => {
  await pipe.use(new VaeSlicingPlugin());
  const controller = new AbortController();
  const decoding = vae.decodeRows({ z: BATCH }, () => controller.abort(new Error('enough')), {
    signal: controller.signal,
  });
  await expect(decoding).rejects.toThrow('enough');
  expect((await vae.decode({ z: BATCH })).sample.dims[0]).toBe(3);
});

test('refuses a batch of none', async () => {
  await pipe.use(new VaeSlicingPlugin());
  await expect(vae.decode({ z: new Tensor('float32', new Float32Array(), [0, 4, 6, 5]) })).rejects.toMatchObject({
    code: 'ERR_INPUT_INVALID',
  });
});

test('32 prompts in little memory: images come one by one, each with the seed and the numbers it has alone', async () => {
  const tiny = fileURLToPath(new URL('../../core/test/fixtures/sd-tiny', import.meta.url));
  await pipe.dispose();
  pipe = await DiffusionPipeline.fromPretrained(tiny, {
    deviceOptions: { inline: true, threads: 1 },
    memoryLimit: '256MB',
    plugins: [new VaeSlicingPlugin()],
  });
  const seed = Array.from({ length: 32 }, (_, i) => i);
  const seen: number[] = [];
  let batches = 0;
  using tap = pipe.hooks.beforeModelCall.tap(
    'count',
    ({ component }) => void (batches += component === 'unet' ? 1 : 0),
  );
  void tap;
  let all: readonly Image[] = [];
  for await (const event of pipe.stream(
    Array.from(seed, () => 'a fox'),
    { numInferenceSteps: 1, width: 32, height: 32, seed },
  )) {
    if (event.type === 'image') seen.push(event.index);
    if (event.type === 'done') all = event.result.images;
  }
  const {
    images: [alone],
  } = await pipe.generate('a fox', { numInferenceSteps: 1, width: 32, height: 32, seed: 17 });
  // The UNet computes batches, in which kernels may add up in another order: bytes may be rounded to the next one.
  expect(largestDifference(all[17]!.data, alone!.data)).toBeLessThanOrEqual(1);
  expect(seen).toEqual(seed);
  expect(batches).toBe(2);
});
