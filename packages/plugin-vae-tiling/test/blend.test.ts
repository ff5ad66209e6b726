import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DiffusionPipeline, Tensor } from '@thimble/core';
import { VaeTilingPlugin, type VaeTilingOptions } from '../src/index.js';
import { correlation, type VaeCase, VaeFixture, wave } from './VaeFixture.js';

let fixture: VaeFixture;
let pipe: DiffusionPipeline;

beforeAll(async () => {
  fixture = await VaeFixture.open();
});
afterEach(async () => {
  await pipe?.dispose();
});

async function open(model: string): Promise<void> {
  pipe = await fixture.pipeline(model);
}

const named = (name: string): VaeCase => fixture.named(name);
const run = (one: VaeCase): Promise<Tensor> => fixture.run(pipe.components['vae']!, one);
const excess = (one: VaeCase): Promise<number> => fixture.excess(pipe.components['vae']!, one);

describe('blended tiles are those of diffusers', () => {
  const tiled = VaeFixture.list().filter(({ args }) => args.tiling === true && args.slicing !== true);

  test('in all cases of the fixture', () => {
    expect(tiled.length).toBe(10);
  });

  test.each(tiled.map((call) => [call.name, call] as const))('%s', async (name, call) => {
    await open(name.split('.')[0]!);
    await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
    expect(await excess(call)).toBeLessThanOrEqual(1);
  });

  test('as a batch too', async () => {
    await open('kl');
    await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
    expect(await excess(named('kl.sliced-tiled.20x18'))).toBeLessThanOrEqual(1);
  });

  test('with strides in place of an overlap', async () => {
    await open('kl');
    const one = await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
    const call = named('kl.tiled.25x33');
    const overlapping = (await run(call)).data;
    await one.remove();
    await pipe.use(
      new VaeTilingPlugin({
        mode: 'blend',
        tileSampleMinHeight: 64,
        tileSampleMinWidth: 64,
        tileSampleStrideHeight: 48,
        tileSampleStrideWidth: 48,
      }),
    );
    expect((await run(call)).data).toEqual(overlapping);
  });
});

test('without the plugin, and after it, nothing is tiled', async () => {
  await open('kl');
  const call = named('kl.plain.25x33');
  const before = (await run(call)).data;
  const plugin = await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
  expect((await run(call)).data).not.toEqual(before);
  await plugin.remove();
  expect((await run(call)).data).toEqual(before);
  expect(await excess(call)).toBeLessThanOrEqual(1);
});

test('tiles a picture that is larger than a tile on one axis alone, and leaves one alone that is not', async () => {
  await open('kl');
  await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
  const decoded: string[] = [];
  pipe.hooks.beforeDecode.tap({ name: 'watch', stage: 1 }, ({ wrap }) =>
    wrap((next) => async (z) => {
      decoded.push(z.dims.slice(2).join('x'));
      return next(z);
    }),
  );
  await pipe.components['vae']!.decode({ z: wave([1, 4, 16, 24]) });
  await pipe.components['vae']!.decode({ z: wave([1, 4, 16, 16]) });
  expect(decoded).toEqual(['16x16', '16x12', '4x16', '4x12', '16x16']);
});

test('an abort between tiles ends the decoding and leaves the pipeline usable', async () => {
  await open('kl');
  await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
  const controller = new AbortController();
  const tap = pipe.hooks.beforeDecode.tap({ name: 'abort', stage: 1 }, ({ wrap }) =>
    wrap((next) => async (z) => {
      const out = await next(z);
      controller.abort(new Error('enough'));
      return out;
    }),
  );
  const z = await fixture.inputOf(named('kl.plain.24x24'));
  await expect(pipe.components['vae']!.decode({ z }, { signal: controller.signal })).rejects.toThrow('enough');
  tap[Symbol.dispose]();
  expect(await excess(named('kl.tiled.24x24'))).toBeLessThanOrEqual(1);
});

test.each([
  [{ tileSampleMinSize: 0 }, 'tileSampleMinSize'],
  [{ tileOverlapFactor: 1 }, 'tileOverlapFactor'],
  [{ tileSampleMinSize: 64, tileSize: 64 }, 'options'],
  [{ tileSampleMinHeight: 64 }, 'tileSampleMinWidth'],
  [
    {
      tileSampleMinSize: 64,
      tileSampleMinHeight: 64,
      tileSampleMinWidth: 64,
      tileSampleStrideHeight: 48,
      tileSampleStrideWidth: 48,
    },
    'tileSampleMinSize',
  ],
  [
    { tileSampleMinHeight: 64, tileSampleMinWidth: 64, tileSampleStrideHeight: 48, tileSampleStrideWidth: 65 },
    'tileSampleStrideWidth',
  ],
])('refuses %j', (options, argument) => {
  expect(() => new VaeTilingPlugin(options)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
  );
});

describe('tiles that are no whole latents', () => {
  const forms: VaeTilingOptions[] = [
    { tileSampleMinSize: 25 },
    { tileSampleMinSize: 36, tileOverlapFactor: 0.3 },
    { tileSampleMinHeight: 25, tileSampleMinWidth: 30, tileSampleStrideHeight: 15, tileSampleStrideWidth: 30 },
  ];
  test.each((['blend', 'shared'] as const).flatMap((mode) => forms.map((form) => ({ mode, ...form }))))(
    'give a picture of the size that was asked for: %j',
    async (options) => {
      await open('kl');
      const vae = pipe.components['vae']!;
      const z = wave([1, 4, 12, 16]);
      const whole = (await vae.decode({ z })).sample;
      const moments = (await vae.encode({ x: whole })).moments;
      await pipe.use(new VaeTilingPlugin(options));
      const { sample } = await vae.decode({ z });
      expect(sample.dims).toEqual(whole.dims);
      // A row that is repeated or left out puts all below it in the wrong place.
      expect(correlation(sample, whole)).toBeGreaterThan(0.7);
      expect((await vae.encode({ x: whole })).moments.dims).toEqual(moments.dims);
    },
  );

  test("are the VAE's own where its sample_size is a list: its first number counts", async () => {
    await open('kl');
    const vae = pipe.components['vae']!;
    const z = wave([1, 4, 20, 18]);
    await pipe.use(new VaeTilingPlugin({ mode: 'blend' }));
    const { sample } = await vae.decode({ z });
    const { sample_size: size } = vae.config as { sample_size: number };
    Object.assign(vae.config, { sample_size: [size, size / 2] });
    expect((await vae.decode({ z })).sample.data).toEqual(sample.data);
  });
});

test('refuses a tile of less than a latent and its overlap', async () => {
  await open('kl');
  await pipe.use(new VaeTilingPlugin({ mode: 'blend', tileSampleMinSize: 4 }));
  await expect(run(named('kl.plain.16x16'))).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
});
