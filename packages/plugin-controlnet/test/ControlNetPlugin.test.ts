import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type GenerateOptions, Image, isThimbleError, Tensor } from '@thimble/core';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { ControlNetModel, ControlNetPlugin } from '../src/index.js';
import { writeRandomControlNet } from './support/randomControlNet.js';

const FIXTURES = fileURLToPath(new URL('../../core/test/fixtures/', import.meta.url));
const RUN = { numInferenceSteps: 2, width: 64, height: 48, seed: 1, outputType: 'tensor' as const };
const folder = mkdtempSync(join(tmpdir(), 'thimble-controlnet-'));
const picture = (step: number, width = 64, height = 48): Image =>
  new Image({ width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * step) % 256) });
const image = picture(7);

let pipe: DiffusionPipeline;
let model: string;
let plain: Float32Array;
let controlledOnce: Float32Array;

async function pixels(options: GenerateOptions = {}, prompt: string | string[] = 'a fox'): Promise<Float32Array> {
  return (await pipe.generate(prompt, { ...RUN, ...(options as typeof RUN) })).images.data as Float32Array;
}

function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);
}

/** The error that a plugin was refused with, without what names the plugin. */
async function causeOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return isThimbleError(error, 'ERR_PLUGIN_APPLY') || isThimbleError(error, 'ERR_PLUGIN_HOOK') ? error.cause : error;
}

beforeAll(async () => {
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
  model = await writeRandomControlNet(join(folder, 'net'), testCheckpoint);
  pipe = await DiffusionPipeline.fromPretrained(testCheckpoint, { deviceOptions: { inline: true, threads: 1 } });
  plain = await pixels();
  const handle = await pipe.use(new ControlNetPlugin({ model, image }));
  controlledOnce = await pixels();
  await handle.remove();
});
afterEach(async () => {
  for (const handle of [...pipe.plugins].reverse()) await handle.remove();
});
afterAll(async () => {
  await pipe.dispose();
  rmSync(folder, { recursive: true, force: true });
  delete process.env['THIMBLE_CACHE'];
});

describe('a controlled run', () => {
  test('is another, and removal is exact to the bit', async () => {
    expect(distance(controlledOnce, plain)).toBeGreaterThan(0.01);
    expect(await pixels()).toEqual(plain);
    expect(Object.keys(pipe.components)).not.toContain('controlnet');
    expect(pipe.optionFields).not.toHaveProperty('controlImage');
  });

  test('takes pictures as other inputs do, and each result its own', async () => {
    await pipe.use(new ControlNetPlugin({ model }));
    const file = join(folder, 'image.png');
    await image.save(file);
    const tensor = new Tensor('float32', new Float32Array(3 * 48 * 64), [1, 3, 48, 64]);
    for (let channel = 0; channel < 3; channel++)
      for (let i = 0; i < 48 * 64; i++) tensor.data[channel * 48 * 64 + i] = image.data[3 * i + channel]! / 255;
    for (const controlImage of [image, file, await image.toBuffer(), tensor])
      expect(await pixels({ controlImage })).toEqual(controlledOnce);
    const two = await pixels({ controlImage: [image, picture(11)], seed: [1, 1] }, ['a fox', 'a fox']);
    const half = two.length / 2;
    expect(distance(two.subarray(0, half), controlledOnce)).toBeLessThan(1e-4);
    expect(distance(two.subarray(half), await pixels({ controlImage: picture(11) }))).toBeLessThan(1e-4);
  });

  test('is as large as its picture where nothing else says it', async () => {
    await pipe.use(new ControlNetPlugin({ model }));
    const { images } = await pipe.generate('a fox', { numInferenceSteps: 1, controlImage: picture(3, 75, 41) });
    expect([images[0]!.width, images[0]!.height]).toEqual([72, 40]);
  });

  test('of several adds up what they give', async () => {
    await pipe.use(
      new ControlNetPlugin([
        { model, image, conditioningScale: 0.25 },
        { model, image, conditioningScale: 0.75 },
      ]),
    );
    expect(Object.keys(pipe.components)).toEqual(expect.arrayContaining(['controlnet', 'controlnet_2']));
    expect(distance(await pixels(), controlledOnce)).toBeLessThan(1e-4);
    expect(await pixels({ controlnetConditioningScale: 0 })).toEqual(plain);
    expect(await pixels({ controlImage: [image, image], controlnetConditioningScale: [1, 0] })).toEqual(controlledOnce);
  });

  test('of several takes lists of its own length', async () => {
    await pipe.use(new ControlNetPlugin([{ model }, { model }]));
    await expect(pixels({ controlImage: image })).rejects.toMatchObject({ details: { argument: 'controlImage' } });
    const scales = pixels({ controlImage: [image, image], controlnetConditioningScale: [1, 2, 3] });
    expect(await causeOf(scales)).toMatchObject({ details: { argument: 'controlnetConditioningScale' } });
  });

  test('begins with a picture, and fills in, as others do', async () => {
    const more = { image: picture(5), strength: 0.6, numInferenceSteps: 2 };
    const maskImage = new Image({
      width: 64,
      height: 48,
      channels: 1,
      data: new Uint8Array(64 * 48).fill(255, 0, 1500),
    });
    const before = [await pixels(more), await pixels({ ...more, maskImage })];
    await pipe.use(new ControlNetPlugin({ model, image }));
    const after = [await pixels(more), await pixels({ ...more, maskImage })];
    for (const [i, made] of after.entries()) expect(distance(made, before[i]!)).toBeGreaterThan(1e-3);
  });

  test.each([
    ['one', { controlnetConditioningScale: [0.5, 0] }, 'ml-tensor'],
    ['two', { controlnetConditioningScale: [0.5, 0.25] }, 'ml-tensor'],
    ['two that leave half of the batch alone', { guessMode: true }, 'cpu'],
  ])(
    'of %s keeps what it adds on the device as long as it is needed, however it ends',
    async (_, options, location) => {
      await pipe.use(
        new ControlNetPlugin([
          { model, image },
          { model, image },
        ]),
      );
      const places: string[] = [];
      using tap = pipe.hooks.beforeModelCall.tap({ name: 'test', stage: 1 }, (call) => {
        if (call.component !== 'unet') return;
        call.wrap((next) => async (inputs) => {
          places.push(inputs['mid_block_additional_residual']!.location);
          if (places.length === 3) throw new Error('enough');
          return next(inputs);
        });
      });
      void tap;
      const { device } = pipe.components['unet']!;
      await pixels(options);
      expect(places).toEqual([location, location]);
      expect(await device.usage()).toMatchObject({ tensors: 0 });
      expect(await causeOf(pixels(options))).toMatchObject({ message: 'enough' });
      expect(await device.usage()).toMatchObject({ tensors: 0 });
    },
  );

  test('adds to what somebody else feeds the UNet', async () => {
    const once = { numInferenceSteps: 1 };
    await pipe.use(new ControlNetPlugin({ model, image }));
    const expected = await pixels(once);
    const fed: Record<string, Tensor> = {};
    {
      using tap = pipe.hooks.beforeModelCall.tap({ name: 'test', stage: 1 }, (call) => {
        if (call.component !== 'unet') return;
        call.wrap((next) => async (inputs) => {
          for (const [name, tensor] of Object.entries(inputs).filter(([key]) => key.includes('residual')))
            fed[name] = new Tensor('float32', (await tensor.getData()) as Float32Array, tensor.dims);
          return next(inputs);
        });
      });
      void tap;
      await pixels({ ...once, controlnetConditioningScale: 0.75 });
    }
    using tap = pipe.hooks.beforeModelCall.tap({ name: 'test', before: 'thimble:controlnet' }, (call) => {
      if (call.component === 'unet') call.inputs = { ...call.inputs, ...fed };
    });
    void tap;
    expect(distance(await pixels({ ...once, controlnetConditioningScale: 0.25 }), expected)).toBeLessThan(1e-4);
  });

  test('with averaged conditions gives the same everywhere, with the prompt alone', async () => {
    const pooled = await writeRandomControlNet(join(folder, 'pooled'), testCheckpoint, {
      global_pool_conditions: true,
    });
    await pipe.use(new ControlNetPlugin({ model: pooled, image }));
    const fed: Tensor[] = [];
    using tap = pipe.hooks.beforeModelCall.tap({ name: 'test', stage: 1 }, (call) => {
      if (call.component !== 'unet') return;
      call.wrap((next) => async (inputs) => {
        fed.push(inputs['down_block_additional_residuals.1']!);
        return next(inputs);
      });
    });
    void tap;
    await pixels({ numInferenceSteps: 1 });
    const [residual] = fed;
    const [n, channels, height, width] = residual!.dims as [number, number, number, number];
    const half = (residual!.data as Float32Array).subarray(residual!.size / 2);
    expect([n, (residual!.data as Float32Array).subarray(0, residual!.size / 2).every((x) => x === 0)]).toEqual([
      2,
      true,
    ]);
    const planes = Array.from(
      { length: channels },
      (_, i) => new Set(half.subarray(i * height * width, (i + 1) * height * width)).size,
    );
    expect(planes).toEqual(Array.from({ length: channels }, () => 1));
  });
});

describe('beside other plugins', () => {
  test.each([
    ['ModelOffloadPlugin', () => new ModelOffloadPlugin()],
    ['SequentialOffloadPlugin', () => new SequentialOffloadPlugin()],
  ])('it is a component like the others under %s', async (_, create) => {
    for (const plugins of [
      [new ControlNetPlugin({ model, image }), create()],
      [create(), new ControlNetPlugin({ model, image })],
    ]) {
      const handles = [];
      for (const plugin of plugins) handles.push(await pipe.use(plugin));
      const together: string[] = [];
      using watch = pipe.hooks.afterModelCall.tap('watch', () => {
        const loaded = Object.values(pipe.components).filter(({ residentBytes }) => residentBytes > 0);
        if (loaded.length > 1) together.push(loaded.map(({ name }) => name).join());
      });
      void watch;
      expect(await pixels()).toEqual(controlledOnce);
      expect(together).toEqual([]);
      for (const handle of handles) await handle.remove();
    }
  });

  test('its weights are cast where it is named', async () => {
    await pipe.use(new ControlNetPlugin({ model, image }));
    await pipe.use(new LayerwiseCastingPlugin({ components: ['controlnet'] }));
    const cast = await pixels();
    expect(cast).not.toEqual(controlledOnce);
    const { controlnet } = pipe.components;
    expect(controlnet!.weights.find('down_blocks.0.resnets.0.conv1.weight')!.dtype).toBe('F8_E4M3');
  });

  test('within little memory it works sample by sample, with the same result', async () => {
    await using small = await DiffusionPipeline.fromPretrained(testCheckpoint, {
      deviceOptions: { inline: true, threads: 1 },
      memoryLimit: '256MB',
      plugins: [new ControlNetPlugin({ model, image }), new ModelOffloadPlugin()],
    });
    const batches: number[] = [];
    small.hooks.beforeModelCall.tap('test', ({ component, inputs }) => {
      if (component === 'controlnet') batches.push(inputs['sample']!.dims[0]!);
    });
    const { images } = await small.generate('a fox', RUN);
    expect(batches).toEqual([1, 1, 1, 1]);
    expect(distance(images.data as Float32Array, controlledOnce)).toBeLessThan(1e-4);
  });
});

describe('refuses', () => {
  test.each([
    [{}, 'model'],
    [{ model: '' }, 'model'],
    [{ model: 'x', nope: 1 }, 'options'],
    [{ model: 'x', conditioningScale: NaN }, 'conditioningScale'],
    [{ model: 'x', controlGuidanceStart: 0.5, controlGuidanceEnd: 0.5 }, 'controlGuidanceStart'],
    [{ model: 'x', preprocessor: 'depth' }, 'preprocessor'],
    [[], 'nets'],
  ])('the options %j', (options, argument) => {
    expect(() => new ControlNetPlugin(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
    );
  });

  test('a run without a picture at once, and one with a picture that is not there', async () => {
    await pipe.use(new ControlNetPlugin({ model }));
    await expect(pixels()).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'controlImage' },
    });
    await expect(pixels({ controlImage: join(folder, 'none.png') })).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
    const latents = new Tensor('float32', new Float32Array(4 * 6 * 8), [1, 4, 6, 8]);
    await expect(pixels({ controlImage: latents })).rejects.toMatchObject({ details: { argument: 'controlImage' } });
    await expect(pixels({ controlImage: image, guessMode: 1 } as object)).rejects.toMatchObject({
      details: { argument: 'guessMode' },
    });
  });

  test.each([
    ['of another family', `${FIXTURES}controlnet-sdxl/controlnet`, 'ERR_CONTROLNET_MISMATCH'],
    ['that is a UNet', join(testCheckpoint, 'unet'), 'ERR_CONTROLNET_MISMATCH'],
    ['that is not there', join(folder, 'nothing'), 'ERR_MODEL_NOT_FOUND'],
    [
      'in a file that holds something else',
      join(testCheckpoint, 'vae/diffusion_pytorch_model.safetensors'),
      'ERR_CONTROLNET_FILE',
    ],
  ])('a ControlNet %s', async (_, other, code) => {
    expect(await causeOf(pipe.use(new ControlNetPlugin({ model: other })))).toMatchObject({ code });
    expect(Object.keys(pipe.components)).not.toContain('controlnet');
  });

  test('a folder of another class by its own door', async () => {
    await expect(ControlNetModel.fromPretrained(join(testCheckpoint, 'unet'))).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
    });
    const text = join(folder, 'text.safetensors');
    writeFileSync(text, 'no tensors');
    await expect(ControlNetModel.fromPretrained(text)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  });
});
