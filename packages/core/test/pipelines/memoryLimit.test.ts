import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { DeviceRows } from '../../src/device/DeviceRows.js';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import type { ProcessDevice } from '../../src/device/ProcessDevice.js';
import { MemoryBudget } from '../../src/device/MemoryBudget.js';
import { WeightStream } from '../../src/device/WeightStream.js';
import { createHooks } from '../../src/hooks/manifest.js';
import { modelRegistry } from '../../src/models/modelRegistry.js';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';
import { splitBatch } from '../../src/execution/batch.js';
import { Component } from '../../src/execution/Component.js';
import { MemoryMonitor } from '../../src/run/MemoryMonitor.js';
import { StableDiffusionPipeline } from '../../src/pipelines/StableDiffusionPipeline.js';
import { openComponentCheckpoint } from '../../src/weights/ComponentCheckpoint.js';
import { FixtureCase } from '../support/FixtureCase.js';

/** So tight that every feed-forward, every attention and every wide weight of a tiny model falls into pieces, heads and queries alike. */
class TinyBudget extends MemoryBudget {
  override get transientBytes(): number {
    return 4 * 2 ** 10;
  }

  override maxBatch(): number {
    return 1;
  }
}

describe('a model in the smallest pieces computes what diffusers computes', () => {
  test.each([
    ['sd-tiny-f16', 'unet'],
    ['cogvideox-tiny', 'transformer'],
    ['cogvideox-rope-tiny', 'transformer'],
  ])('%s: in every recorded call of its %s', async (name, component) => {
    const fixture = await FixtureCase.open(name);
    const programs: number[] = [];
    const checkpoint = await openComponentCheckpoint(`${fixture.folder}/${component}`);
    const className = checkpoint.className as string;
    const calls = fixture.calls.filter(({ call }) => call === `${className}.forward`);
    expect(calls.length).toBeGreaterThan(0);
    for (const budget of [new MemoryBudget(), new TinyBudget(2 ** 40)]) {
      const device = new InlineDevice({ provider: 'cpu' });
      const load = device.load.bind(device);
      let bytes = 0;
      device.load = async (model): Promise<number> => {
        bytes += model.bytes.length;
        return load(model);
      };
      const model = modelRegistry[className]!.fromConfig(checkpoint.config, className);
      const bound = new Component({ name: component, checkpoint, device, hooks: createHooks(), budget, model });
      for (const { name: call } of calls)
        expect(
          await fixture.excess(call, 'sample', (await bound.call(await fixture.inputs(call)))['sample']!),
        ).toBeLessThanOrEqual(1);
      programs.push(bytes);
      await device.dispose();
    }
    // It was in pieces indeed.
    expect(programs[1]).toBeGreaterThan(1.25 * programs[0]!);
  });
});

describe('weights that are read in parts', () => {
  /** A part is a few layers. */
  class PartsBudget extends MemoryBudget {
    override get weightParts(): MemoryBudget['weightParts'] {
      return { partBytes: 8 * 2 ** 10, largestBytes: 2 ** 20 };
    }
  }

  test.each([
    ['in one message', false],
    ['segment by segment', true],
  ])('give the very numbers of mapped ones, %s', async (_, hooked) => {
    const fixture = await FixtureCase.open('sd-tiny-f16');
    const checkpoint = await openComponentCheckpoint(`${fixture.folder}/unet`);
    const { name } = fixture.calls.find(({ call }) => call === 'UNet2DConditionModel.forward')!;
    const results: unknown[] = [];
    let parts = 0;
    const wholes: number[] = [];
    for (const budget of [new MemoryBudget(), new PartsBudget()]) {
      const device = new InlineDevice({ provider: 'cpu' });
      const load = device.load.bind(device);
      device.load = async (model): Promise<number> => {
        parts += model.parts?.length ?? 0;
        if (model.parts !== undefined) wholes.push(model.bytes.length);
        return load(model);
      };
      const hooks = createHooks();
      if (hooked) {
        hooks.beforeSegment.tap('watch', () => undefined);
        hooks.prepareSegment.tap('watch', () => undefined);
      }
      const model = UNet2DConditionModel.fromConfig(checkpoint.config);
      const unet = new Component({ name: 'unet', model, checkpoint, device, hooks, budget });
      // Twice: buffers are used again.
      for (let call = 0; call < 2; call++) results.push((await unet.call(await fixture.inputs(name)))['sample']!.data);
      expect((await device.usage()).tensors).toBe(0);
      await device.dispose();
    }
    expect(parts).toBeGreaterThan(2 * 20);
    // The whole graph beside its parts is for those alone who prepare segments.
    expect(wholes.every((length) => length > 0 === hooked)).toBe(true);
    for (const result of results) expect(result).toEqual(results[0]);
  });

  test('are not those of a small model, whose pages have room', async () => {
    const fixture = await FixtureCase.open('sd-tiny-f16');
    const checkpoint = await openComponentCheckpoint(`${fixture.folder}/unet`);
    const { name } = fixture.calls.find(({ call }) => call === 'UNet2DConditionModel.forward')!;
    const device = new InlineDevice({ provider: 'cpu' });
    const load = jest.spyOn(device, 'load');
    const model = UNet2DConditionModel.fromConfig(checkpoint.config);
    const budget = MemoryBudget.of('256MB', undefined);
    expect(budget.weightParts).toBeDefined();
    const unet = new Component({ name: 'unet', model, checkpoint, device, hooks: createHooks(), budget });
    await unet.call(await fixture.inputs(name));
    expect(load.mock.calls.length).toBeGreaterThan(0);
    expect(load.mock.calls.every(([{ parts }]) => parts === undefined)).toBe(true);
    await device.dispose();
  });

  test('say which file it is that cannot be read', async () => {
    const stream = new WeightStream({ window: 2 ** 20, onDrop: () => undefined });
    const weight = { name: 'w', type: 'float32', dims: [1], file: '/nowhere/weights', offset: 0, byteLength: 4 };
    stream.announce([weight]);
    await expect(stream.take([weight])).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    await stream.clear();
  });
});

describe('values that wait for a later segment', () => {
  /** Everything is large. */
  class ParkingBudget extends MemoryBudget {
    override get parkingBytes(): number {
      return 1;
    }
  }

  async function call(
    budget: MemoryBudget,
  ): Promise<{ readonly sample: Float32Array; readonly files: number; readonly open: number }> {
    const fixture = await FixtureCase.open('sd-tiny-f16');
    const checkpoint = await openComponentCheckpoint(`${fixture.folder}/unet`);
    const device = new InlineDevice({ provider: 'cpu' });
    const made = jest.spyOn(device, 'createRows');
    const freed = jest.spyOn(device, 'free');
    const hooks = createHooks();
    hooks.afterSegment.tap('watch', () => undefined);
    const unet = new Component({
      name: 'unet',
      checkpoint,
      device,
      hooks,
      budget,
      model: UNet2DConditionModel.fromConfig(checkpoint.config),
    });
    const { name } = fixture.calls.find(({ call: kind }) => kind === 'UNet2DConditionModel.forward')!;
    const inputs = Object.fromEntries(
      Object.entries(await fixture.inputs(name)).map(([port, tensor]) => [
        port,
        tensor.dims.length > 1 ? splitBatch(tensor)[0]! : tensor,
      ]),
    );
    const sample = (await unet.call(inputs))['sample']!.data as Float32Array;
    const rows = new Set(
      (await Promise.all(made.mock.results.map(({ value }) => value as Promise<DeviceRows>))).map(({ id }) => id),
    );
    const given = new Set(freed.mock.calls.flatMap(([tensors]) => tensors.map(({ id }) => id)));
    await device.dispose();
    return { sample, files: rows.size, open: [...rows].filter((id) => !given.has(id)).length };
  }

  test('wait in files if they are large, and come back as they were', async () => {
    const [plain, parked] = [await call(new MemoryBudget()), await call(new ParkingBudget())];
    expect(plain.files).toBe(0);
    expect(parked.files).toBeGreaterThan(4);
    expect(parked).toMatchObject({ sample: plain.sample, open: 0 });
  });
});

describe('a pipeline under a memory limit', () => {
  const SD_TINY = fileURLToPath(new URL('../fixtures/sd-tiny', import.meta.url));
  const OPTIONS = {
    width: 64,
    height: 64,
    numInferenceSteps: 2,
    seed: [1, 2],
    numImagesPerPrompt: 2,
    outputType: 'tensor',
  } as const;
  let pipe: StableDiffusionPipeline;

  afterEach(async () => {
    await pipe.dispose();
  });

  async function batchesSeen(
    memoryLimit: string,
  ): Promise<{ readonly pixels: Float32Array; readonly batches: readonly (number | undefined)[] }> {
    pipe = await StableDiffusionPipeline.fromPretrained(SD_TINY, { memoryLimit });
    const batches = new Set<number | undefined>();
    pipe.hooks.beforeSegment.tap('watch', ({ component, segment, inputs }) => {
      if (component === 'unet' && segment === 'conv_in') batches.add(Object.values(inputs)[0]?.dims[0]);
    });
    const { images } = await pipe.generate('a cat', OPTIONS);
    const result = { pixels: images.data as Float32Array, batches: [...batches] };
    await pipe.dispose();
    return result;
  }

  test('computes batches sample by sample, and the same pictures', async () => {
    const [roomy, tight] = [await batchesSeen('none'), await batchesSeen('192MB')];
    expect(roomy.batches).toEqual([4]);
    expect(tight.batches).toEqual([1]);
    // Kernels may add up in another order in a batch.
    expect(Math.max(...tight.pixels.map((x, i) => Math.abs(x - roomy.pixels[i]!)))).toBeLessThan(5e-5);
  });

  test('refuses before anything is computed what it could not decode, with the need, the limit and the largest size', async () => {
    pipe = await StableDiffusionPipeline.fromPretrained(SD_TINY, {
      memoryLimit: '96MB',
      deviceOptions: { threads: 1 },
    });
    const seen: string[] = [];
    const run = (async () => {
      for await (const { type } of pipe.stream('a cat', { width: 512, height: 256, numInferenceSteps: 1 }))
        seen.push(type);
    })();
    await expect(run).rejects.toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
      details: { limitBytes: 96 * 2 ** 20 },
      message: expect.stringMatching(
        /vae.decode at 512×256 takes about \d+ MB; the memory limit is 96 MB. The largest of this shape that fits is \d+×\d+/,
      ),
    });
    expect(seen).toEqual([]);
  });

  test('refuses what it could not denoise, a run that waits as well; the size that is named is the largest that is let through', async () => {
    pipe = await StableDiffusionPipeline.fromPretrained(SD_TINY, {
      memoryLimit: '96MB',
      deviceOptions: { threads: 1 },
    });
    const latent = { numInferenceSteps: 1, seed: 1, guidanceScale: 1, outputType: 'latent' } as const;
    const refusal = async (width: number, height: number): Promise<string> => {
      const error = (await pipe.generate('a cat', { ...latent, width, height }).catch((e: unknown) => e)) as Error & {
        readonly code: string;
        readonly details: { readonly what: string; readonly largest: string };
      };
      expect(error).toMatchObject({ code: 'ERR_MEMORY_LIMIT', message: expect.stringMatching(/unet.call at/) });
      return error.details.largest;
    };
    const other = pipe.stream('a cat', { ...latent, width: 64, height: 64 });
    await other.next();
    const largest = await refusal(2048, 2048);
    for await (const event of other) void event;
    const [width, height] = largest.split('×').map(Number) as [number, number];
    expect(width).toBe(height);
    // It is let through: the text is encoded.
    for await (const { type } of pipe.stream('a cat', { ...latent, width, height })) if (type === 'model') break;
    expect(await refusal(width + pipe.vaeScaleFactor, height + pipe.vaeScaleFactor)).toBe(largest);
  });

  test('says that the device was killed within it', async () => {
    pipe = await StableDiffusionPipeline.fromPretrained(SD_TINY, {
      memoryLimit: '256MB',
      deviceOptions: { threads: 1 },
    });
    const run = (async () => {
      for await (const { type } of pipe.stream('a cat', { ...OPTIONS, numInferenceSteps: 20 }))
        if (type === 'step') process.kill((pipe.device as ProcessDevice).pid as number, 'SIGKILL');
    })();
    await expect(run).rejects.toMatchObject({
      code: 'ERR_DEVICE_CRASHED',
      message: expect.stringMatching(/SIGKILL.*memory limit of 256 MB/),
    });
  });

  test('warns where a run took more', () => {
    using monitor = new MemoryMonitor(new InlineDevice({ provider: 'cpu' }), {}, 2 ** 20);
    expect(monitor.excess).toBeUndefined();
    monitor.sample();
    expect(monitor.excess).toMatchObject({
      code: 'WARN_MEMORY_LIMIT',
      message: expect.stringMatching(/\d+ MB, more than the memory limit of 1 MB/),
    });
  });

  test('says what the limit is', async () => {
    pipe = await StableDiffusionPipeline.fromPretrained(SD_TINY, { memoryLimit: '256MB' });
    expect(pipe.memoryLimit).toBe(256 * 2 ** 20);
  });

  test('refuses a limit that is none', async () => {
    pipe = await StableDiffusionPipeline.fromPretrained(SD_TINY);
    await expect(StableDiffusionPipeline.fromPretrained(SD_TINY, { memoryLimit: 'little' })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'memoryLimit' },
    });
  });
});
