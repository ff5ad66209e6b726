import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type Plugin, type ProgressEvent, type Tensor, UNet2DConditionModel } from '@thimble/core';
import { overlay, readTensor, type SafetensorsDtype, SafetensorsFile, writeSafetensors } from '@thimble/core/plugin';
import { applyLayerwiseCasting, type CastingOptions, LayerwiseCastingPlugin } from '../src/index.js';
import {
  castingCalls,
  type CastingCall,
  excess,
  inputsOf,
  COGVIDEOX,
  readFixture,
  SD_TINY,
  SD_TINY_F16,
} from './CastingFixture.js';

const cache = mkdtempSync(join(tmpdir(), 'thimble-fp8-'));
const environment = process.env['THIMBLE_CACHE'];
const TINY = { width: 64, height: 64, numInferenceSteps: 2, seed: 1, outputType: 'tensor' as const };
let pipe: DiffusionPipeline;

beforeEach(() => {
  process.env['THIMBLE_CACHE'] = cache;
});
afterEach(async () => {
  await pipe?.dispose();
  if (environment === undefined) delete process.env['THIMBLE_CACHE'];
  else process.env['THIMBLE_CACHE'] = environment;
});
afterAll(() => rmSync(cache, { recursive: true, force: true }));

async function open(checkpoint = SD_TINY): Promise<DiffusionPipeline> {
  pipe = await DiffusionPipeline.fromPretrained(checkpoint, { deviceOptions: { inline: true, threads: 1 } });
  return pipe;
}

function optionsOf({ args }: CastingCall): CastingOptions {
  const { skip_modules_pattern: patterns, skip_modules_classes: classes } = args;
  return {
    storageDtype: args.storage_dtype,
    ...(patterns === undefined ? {} : { skipModulesPattern: patterns }),
    ...(classes === undefined ? {} : { skipModulesClasses: classes }),
  };
}

async function sampleOf(call: CastingCall): Promise<Tensor> {
  return (await pipe.components[call.args.model]!.call(await inputsOf(call)))['sample'] as Tensor;
}

async function picture(): Promise<Float32Array> {
  return (await pipe.generate('a cat', TINY)).images.data as Float32Array;
}

/** Bytes of the weights that are in the cache, by key. */
async function cachedBytes(key: string, shape: readonly number[]): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (const name of readdirSync(join(cache, 'weights')).filter((each) => each.endsWith('.safetensors'))) {
    const info = (await SafetensorsFile.open(join(cache, 'weights', name))).tensors.get(key);
    if (info?.dtype.startsWith('F8') === true && info.shape.join() === shape.join()) found.push(await readTensor(info));
  }
  return found;
}

describe("what diffusers' layerwise casting gives", () => {
  test('in all cases of the fixture', () => {
    expect(castingCalls.map(({ name }) => name)).toEqual([
      'enable.unet.float8_e4m3fn',
      'enable.unet.float8_e5m2',
      'enable.transformer.float8_e4m3fn',
      'enable.transformer.float8_e5m2',
      'apply.pattern',
      'apply.classes',
      'apply.both',
    ]);
  });

  test.each(castingCalls.map((call) => [call.name, call] as const))(
    '%s',
    async (_name, call) => {
      await open(call.args.model === 'unet' ? SD_TINY : COGVIDEOX);
      const plain = await sampleOf(call);
      expect(await excess(call, plain)).toBeGreaterThan(1);
      const component = pipe.components[call.args.model]!;
      const before = component.residentBytes;
      if (call.args.function === 'apply_layerwise_casting') {
        const casting = await applyLayerwiseCasting(component, optionsOf(call));
        expect(casting.stored.toSorted()).toEqual(call.args.stored.toSorted());
        expect(casting.kept.toSorted()).toEqual(call.args.kept.toSorted());
        expect(await excess(call, await sampleOf(call))).toBeLessThanOrEqual(1);
        expect(component.residentBytes).toBeLessThan(before);
        await casting.remove();
      } else {
        // A byte in place of each float32 that is stored in eight bits.
        const expected =
          before - call.args.stored.reduce((sum, key) => sum + component.weights.find(key)!.byteLength * 0.75, 0);
        const plugin = await pipe.use(new LayerwiseCastingPlugin(optionsOf(call)));
        expect(await excess(call, await sampleOf(call))).toBeLessThanOrEqual(1);
        expect(component.residentBytes).toBe(expected);
        await plugin.remove();
      }
      const bytes = Object.entries(call.out).filter(([name]) => name.startsWith('bytes.'));
      expect(bytes.length).toBeGreaterThan(3);
      for (const [name, { tensor, shape }] of bytes)
        expect(await cachedBytes(name.slice('bytes.'.length), shape)).toContainEqual((await readFixture(tensor)).data);
      expect((await sampleOf(call)).data).toEqual(plain.data);
      expect(component.residentBytes).toBe(before);
      expect(readdirSync(join(cache, 'weights')).filter((name) => !/\.(safetensors|json)$/.test(name))).toEqual([]);
    },
    20_000,
  );
});

describe('int8', () => {
  test('is closer to the original than eight-bit floats, and goes without a trace', async () => {
    await open();
    const call = castingCalls[0]!;
    const plain = (await sampleOf(call)).data as Float32Array;
    const errorOf = async (storageDtype: 'int8' | 'float8_e4m3fn' | 'float8_e5m2'): Promise<number> => {
      const plugin = await pipe.use(new LayerwiseCastingPlugin({ storageDtype }));
      const got = (await sampleOf(call)).data as Float32Array;
      await plugin.remove();
      return Math.sqrt(
        got.reduce((sum, value, i) => sum + (value - plain[i]!) ** 2, 0) /
          plain.reduce((sum, value) => sum + value ** 2, 0),
      );
    };
    const [int8, e4m3, e5m2] = [await errorOf('int8'), await errorOf('float8_e4m3fn'), await errorOf('float8_e5m2')];
    expect(int8).toBeGreaterThan(0);
    expect(int8).toBeLessThan(e4m3 / 3);
    expect(e4m3).toBeLessThan(e5m2);
    expect((await sampleOf(call)).data).toEqual(plain);
  });

  test('every weight is within half a step of the original, and takes a quarter of its bytes', async () => {
    await open();
    const component = pipe.components['unet']!;
    const casting = await applyLayerwiseCasting(component, { storageDtype: 'int8' });
    expect(casting.stored.every((key) => key.endsWith('.weight'))).toBe(true);
    const files = readdirSync(join(cache, 'weights')).filter((name) => name.endsWith('.safetensors'));
    const opened = await Promise.all(files.map(async (name) => SafetensorsFile.open(join(cache, 'weights', name))));
    const file = opened.find(({ tensors }) => tensors.get(casting.stored[0]!)?.dtype === 'I8')!;
    for (const key of casting.stored) {
      const original = component.checkpoint.tensors.get(key)!;
      const values = new Float32Array((await readTensor(original)).buffer);
      const codes = new Int8Array((await file.read(key)).buffer);
      const scales = await file.readFloat32(`${key}_scale`);
      const width = values.length / scales.length;
      expect(codes.byteLength * 4).toBe(original.byteLength);
      let worst = 0;
      for (let i = 0; i < values.length; i++)
        worst = Math.max(worst, Math.abs(codes[i]! - values[i]! / scales[Math.floor(i / width)]!));
      expect(worst).toBeLessThanOrEqual(0.5 + 1e-4);
      expect(Math.max(...codes.map(Math.abs))).toBe(127);
    }
    await casting.remove();
  });
});

describe('a checkpoint that is stored in eight-bit floats', () => {
  test.each([
    ['float8_e4m3fn', 'F8_E4M3'],
    ['float8_e5m2', 'F8_E5M2'],
  ] as const)(
    'is used as it lies: %s',
    async (storageDtype, dtype) => {
      await open();
      const call = castingCalls[0]!;
      const unet = pipe.components['unet']!;
      const plugin = await pipe.use(new LayerwiseCastingPlugin({ storageDtype }));
      const want = (await sampleOf(call)).data;
      const bytes = unet.residentBytes;
      await plugin.remove();
      const casting = await applyLayerwiseCasting(unet, { storageDtype });
      const folder = mkdtempSync(join(tmpdir(), 'thimble-fp8-checkpoint-'));
      try {
        const files = readdirSync(join(cache, 'weights')).filter((name) => name.endsWith('.safetensors'));
        const opened = await Promise.all(files.map(async (name) => SafetensorsFile.open(join(cache, 'weights', name))));
        const derived = opened.find(
          ({ tensors }) => tensors.get('conv_in.weight')?.dtype === dtype && tensors.size === casting.stored.length,
        )!;
        const tensors = [...unet.checkpoint.tensors].map(([key, info]) => {
          const from = derived.tensors.get(key) ?? info;
          return [
            key,
            { dtype: from.dtype as SafetensorsDtype, shape: from.shape, data: async () => readTensor(from) },
          ] as const;
        });
        await writeSafetensors(join(folder, 'diffusion_pytorch_model.safetensors'), new Map(tensors));
        copyFileSync(join(SD_TINY, 'unet', 'config.json'), join(folder, 'config.json'));
        const before = readdirSync(join(cache, 'weights')).length;
        await using other = await DiffusionPipeline.fromPretrained(folder, {
          deviceOptions: { inline: true, threads: 1 },
        });
        const sample = async (): Promise<unknown> =>
          (await other.components['unet']!.call(await inputsOf(call)))['sample']!.data;
        expect(await sample()).toEqual(want);
        expect(other.components['unet']!.residentBytes).toBe(bytes);
        await other.use(new LayerwiseCastingPlugin({ storageDtype: 'int8' }));
        expect(await sample()).toEqual(want);
        expect(readdirSync(join(cache, 'weights')).length).toBe(before);
      } finally {
        await casting.remove();
        rmSync(folder, { recursive: true });
      }
    },
    30_000,
  );
});

describe('a function that was given a signal', () => {
  test('heeds it until it returns, and no longer', async () => {
    await open();
    const unet = pipe.components['unet']!;
    await expect(applyLayerwiseCasting(unet, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
    const abort = new AbortController();
    await using casting = await applyLayerwiseCasting(unet, { signal: abort.signal });
    abort.abort(new Error('too late'));
    // Other weights below have the cast made anew.
    using merged = unet.hooks.transformWeights.tap({ name: 'merged', stage: 'merge' }, (below) => {
      const bias = below.find('conv_in.bias')!;
      return overlay(below, new Map([['conv_out.bias', { ...bias, shape: [4], byteLength: 16 }]]));
    });
    void [casting, merged];
    expect(await sampleOf(castingCalls[0]!)).toMatchObject({ type: 'float32' });
  });
});

describe('models that other plugins opened', () => {
  const opening = (opened: Awaited<ReturnType<typeof UNet2DConditionModel.fromPretrained>>): Plugin => ({
    name: 'test:opening',
    apply: async ({ pipeline }) => void (await pipeline.open('unet_2', opened)),
  });
  const isCast = (name: string): boolean => pipe.components[name]!.weights.find('conv_in.weight')!.dtype !== 'F32';

  test.each([
    ['by default', {}, [true, false]],
    ["asked for the pipeline's", { components: ['unet'] }, [true, false]],
    ['asked for it', { components: ['unet_2'] }, [false, true]],
    ['asked for both', { components: ['unet', 'unet_2'] }, [true, true]],
  ] as const)('are cast where they are asked for, though they have a model in common: %s', async (_, options, cast) => {
    const unet = await UNet2DConditionModel.fromPretrained(SD_TINY, { subfolder: 'unet' });
    pipe = await DiffusionPipeline.fromPretrained(SD_TINY, {
      deviceOptions: { inline: true, threads: 1 },
      components: { unet },
      plugins: [opening(unet), new LayerwiseCastingPlugin(options)],
    });
    await picture();
    expect([isCast('unet'), isCast('unet_2')]).toEqual(cast);
  });

  test('have weights of their own, also where they have the model of another', async () => {
    const unet = await UNet2DConditionModel.fromPretrained(SD_TINY, { subfolder: 'unet' });
    const half = await UNet2DConditionModel.fromPretrained(SD_TINY_F16, { subfolder: 'unet', dtype: 'float16' });
    pipe = await DiffusionPipeline.fromPretrained(SD_TINY, {
      deviceOptions: { inline: true, threads: 1 },
      components: { unet },
      plugins: [
        opening({ ...half, model: unet.model }),
        new LayerwiseCastingPlugin({ components: ['unet', 'unet_2'], storageDtype: 'int8' }),
      ],
    });
    let made = 0;
    for (const last of [false, true])
      for await (const { type } of pipe.stream('a cat', TINY)) if (last && type === 'progress') made++;
    const files = ['unet', 'unet_2'].map((name) => pipe.components[name]!.weights.find('conv_in.weight')!.file);
    expect(new Set(files).size).toBe(2);
    expect(files.every((file) => file.startsWith(cache))).toBe(true);
    expect(made).toBe(0);
  });
});

describe('the plugin', () => {
  test('casts the denoiser alone, by default, or what it is told to', async () => {
    await open();
    const before = await picture();
    const bytes = (): number[] => ['text_encoder', 'unet', 'vae'].map((name) => pipe.components[name]!.residentBytes);
    const plain = bytes();
    const plugin = await pipe.use(new LayerwiseCastingPlugin());
    expect(await picture()).not.toEqual(before);
    expect(bytes().map((each, i) => each < plain[i]!)).toEqual([false, true, false]);
    await plugin.remove();
    const all = await pipe.use(
      new LayerwiseCastingPlugin({ storageDtype: 'int8', components: ['text_encoder', 'unet', 'vae'] }),
    );
    const cast = await picture();
    expect(Math.max(...cast.map((value, i) => Math.abs(value - before[i]!)))).toBeLessThan(0.3);
    expect(bytes().map((each, i) => each < plain[i]! / 2)).toEqual([true, true, true]);
    await all.remove();
    expect(await picture()).toEqual(before);
    expect(bytes()).toEqual(plain);
  });

  test('given to fromPretrained it casts before the first run, and tells how it goes', async () => {
    rmSync(cache, { recursive: true, force: true });
    const told: ProgressEvent[] = [];
    pipe = await DiffusionPipeline.fromPretrained(SD_TINY, {
      deviceOptions: { inline: true, threads: 1 },
      plugins: [new LayerwiseCastingPlugin()],
    });
    let first: unknown;
    for await (const event of pipe.stream('a cat', TINY)) {
      if (event.type === 'progress') told.push(event);
      if (event.type === 'done') first = event.result.images.data;
    }
    expect(told.at(-1)).toMatchObject({ task: 'unet to float8_e4m3fn', done: told.at(-1)!.total });
    expect(told.length).toBeGreaterThan(10);
    const events: string[] = [];
    await pipe.dispose();
    pipe = await DiffusionPipeline.fromPretrained(SD_TINY, {
      deviceOptions: { inline: true, threads: 1 },
      plugins: [new LayerwiseCastingPlugin()],
    });
    for await (const event of pipe.stream('a cat', TINY)) {
      events.push(event.type);
      if (event.type === 'done') expect(event.result.images.data).toEqual(first);
    }
    expect(events).not.toContain('progress');
  });

  test('casts a component that takes the place of another, and one that was loaded before', async () => {
    await open();
    const call = castingCalls[0]!;
    await pipe.use(new LayerwiseCastingPlugin());
    const cast = (await sampleOf(call)).data;
    await using other = await DiffusionPipeline.fromPretrained(SD_TINY, {
      components: ['unet'],
      deviceOptions: { inline: true, threads: 1 },
    });
    await using mixed = await DiffusionPipeline.fromPretrained(SD_TINY, {
      components: { unet: other.components['unet']! },
      deviceOptions: { inline: true, threads: 1 },
      plugins: [new LayerwiseCastingPlugin()],
    });
    await mixed.components['unet']!.load();
    expect((await mixed.components['unet']!.call(await inputsOf(call)))['sample']!.data).toEqual(cast);
  });

  test('an aborted run leaves nothing in the cache, and the next one casts', async () => {
    rmSync(cache, { recursive: true, force: true });
    const controller = new AbortController();
    pipe = await DiffusionPipeline.fromPretrained(SD_TINY, {
      deviceOptions: { inline: true, threads: 1 },
      plugins: [new LayerwiseCastingPlugin()],
    });
    const run = async (): Promise<void> => {
      for await (const event of pipe.stream('a cat', { ...TINY, signal: controller.signal })) {
        if (event.type === 'progress' && event.done > event.total * 0.7) controller.abort(new Error('enough'));
      }
    };
    await expect(run()).rejects.toThrow('enough');
    expect(readdirSync(join(cache, 'weights'))).toEqual([]);
    expect(await picture()).toHaveLength(3 * 64 * 64);
    expect(readdirSync(join(cache, 'weights')).filter((name) => name.endsWith('.safetensors'))).toHaveLength(1);
  });

  test('refuses what makes no sense, and says what would', async () => {
    const bad: [object, string][] = [
      [{ storageDtype: 'fp8' }, 'storageDtype'],
      [{ computeDtype: 'float16' }, 'computeDtype'],
      [{ skipModulesPattern: 'norm' }, 'skipModulesPattern'],
      [{ skipModulesPattern: ['('] }, 'skipModulesPattern'],
      [{ skipModulesPattern: [3] }, 'skipModulesPattern'],
      [{ skipModulesClasses: 'Conv2d' }, 'skipModulesClasses'],
      [{ components: 'unet' }, 'components'],
    ];
    for (const [options, argument] of bad) {
      let thrown: unknown;
      try {
        thrown = new LayerwiseCastingPlugin(options);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'ERR_ARGUMENT_INVALID', details: { argument } });
    }
    await open();
    await expect(pipe.use(new LayerwiseCastingPlugin({ components: ['unett'] }))).rejects.toThrow(/unett/);
    expect(pipe.plugins).toEqual([]);
    await using casting = await applyLayerwiseCasting(pipe.components['unet']!);
    expect(casting.stored.length).toBeGreaterThan(0);
    await expect(applyLayerwiseCasting(pipe.components['unet']!)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
    });
  });
});
