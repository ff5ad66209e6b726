import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { TorchGenerator } from '../../src/random/TorchGenerator.js';
import { pngParameters } from '../../src/run/pngParameters.js';
import { createScheduler } from '../../src/schedulers/createScheduler.js';
import { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import type { Scheduler } from '../../src/schedulers/Scheduler.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';

interface Args {
  readonly scheduler: string;
  readonly config: Record<string, unknown>;
  readonly seed?: number | number[];
  readonly prompt: string;
}

let fixture: FixtureCase;
let pipe: DiffusionPipeline;
let checkpoint: Scheduler['config'];
beforeAll(async () => {
  fixture = await FixtureCase.open('sd-tiny-seeds');
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
    deviceOptions: { inline: true, threads: 1 },
  });
  checkpoint = pipe.scheduler.config;
});
afterAll(async () => {
  await pipe.dispose();
});

const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** The call of diffusers with its arguments' names in camelCase. */
function callOf(name: string): { args: Args; options: GenerateOptions<'image'> } {
  const { scheduler, config, seed, prompt, ...others } = fixture.call(name).args as unknown as Args;
  const options = Object.fromEntries(Object.entries(others).map(([key, value]) => [camel(key), value]));
  return { args: { scheduler, config, prompt }, options: { ...options, ...(seed === undefined ? {} : { seed }) } };
}

/** From the config of the checkpoint, whatever was used before. */
function useScheduler(name: string, config: Record<string, unknown> = {}): void {
  pipe.scheduler = createScheduler(name, { ...checkpoint, ...config });
}

async function latentsOf(name: string, more: GenerateOptions = {}): Promise<Tensor> {
  const { args, options } = callOf(name);
  useScheduler(args.scheduler, args.config);
  const { images } = await pipe.generate(args.prompt, { ...options, ...more, outputType: 'latent' });
  return images;
}

describe('a seed gives the latents of diffusers with a CPU generator', () => {
  test('with every scheduler, in batches, with own timesteps and sigmas', async () => {
    const runs = fixture.calls.filter(({ args }) => 'seed' in args);
    expect(runs.length).toBe(18);
    const excess: [string, number][] = [];
    for (const { name } of runs) excess.push([name, await fixture.excess(name, 'latents', await latentsOf(name))]);
    expect(excess.filter(([, times]) => !(times <= 1))).toEqual([]);
  });

  test("and the picture, by the guide's scheduler", async () => {
    const { args, options } = callOf('unipc');
    useScheduler(args.scheduler, args.config);
    const {
      images: [image],
      seeds,
    } = await pipe.generate(args.prompt, options);
    const got = new Tensor('uint8', new Uint8Array(image!.data), [1, image!.height, image!.width, 3]);
    expect(await fixture.excess('unipc', 'image_u8', got)).toBeLessThanOrEqual(1);
    expect(seeds).toEqual([42]);
    expect(image!.metadata['parameters']).toMatch(
      /Steps: 6, Sampler: UniPCMultistepScheduler, .*Seed: 42, .*Convolution: winograd, /,
    );
  });

  test('a generator that is passed again goes on', async () => {
    const generator = new TorchGenerator(7);
    expect(await fixture.excess('first', 'latents', await latentsOf('first', { generator }))).toBeLessThanOrEqual(1);
    expect(await fixture.excess('second', 'latents', await latentsOf('second', { generator }))).toBeLessThanOrEqual(1);
    expect(
      await fixture.excess('second', 'latents', await latentsOf('second', { generator: new TorchGenerator(7) })),
    ).toBeGreaterThan(1);
  });

  test('a list of generators is one for each image', async () => {
    const { args, options } = callOf('seeds');
    delete (options as { seed?: unknown }).seed;
    useScheduler(args.scheduler);
    const { images, seeds } = await pipe.generate(args.prompt, {
      ...options,
      generator: [new TorchGenerator(1), new TorchGenerator(2)],
      outputType: 'latent',
    });
    expect(await fixture.excess('seeds', 'latents', images)).toBeLessThanOrEqual(1);
    expect(seeds).toEqual([]);
  });
});

describe('seeds', () => {
  const small = { width: 64, height: 64, numInferenceSteps: 2 };

  test('are in the result, and in the picture with what else is needed to make it again', async () => {
    useScheduler('DPMSolverMultistepScheduler', { use_karras_sigmas: true });
    const one = await pipe.generate('x', { ...small, seed: 3, numImagesPerPrompt: 2 });
    expect(one.seeds).toEqual([3, 3]);
    expect(one.images[1]!.metadata['parameters']).toMatch(
      /Sampler: DPMSolverMultistepScheduler, Schedule type: Karras, .*Seed: 3, Batch size: 2, Batch pos: 1, /,
    );
    const each = await pipe.generate('x', { ...small, seed: [3, 4], numImagesPerPrompt: 2 });
    expect(each.seeds).toEqual([3, 4]);
    expect(each.images[1]!.metadata['parameters']).toMatch(/Seed: 4, Size/);
  });

  test('are drawn at random where none is given, and make the same picture again', async () => {
    useScheduler('EulerAncestralDiscreteScheduler');
    const first = await pipe.generate('x', { ...small, outputType: 'latent' });
    const [seed] = first.seeds;
    expect(Number.isInteger(seed)).toBe(true);
    const again = await pipe.generate('x', { ...small, seed: seed!, outputType: 'latent' });
    expect(again.images.data).toEqual(first.images.data);
  });

  test('with another dtype are the noise of a Python pipeline in that dtype', () => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const dims = [1, 4, 3, 3];
      expect(new TorchGenerator(5, { dtype }).randn(dims).data).toEqual(new TorchGenerator(5).randn(dims, dtype).data);
      expect(new TorchGenerator(5, { dtype }).randn(dims).data).not.toEqual(new TorchGenerator(5).randn(dims).data);
    }
    expect(() => new TorchGenerator(5, { dtype: 'int8' as never })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    );
  });
});

test('a picture tells what made it, as other tools read it', () => {
  const settings = {
    prompts: ['a cat'],
    negativePrompts: [],
    numInferenceSteps: 2,
    guidanceScale: 7,
    width: 64,
    height: 64,
    count: 1,
  };
  const told = (folder: string, more: object = {}): string =>
    pngParameters({ scheduler: new DDIMScheduler(), folder }, { ...settings, ...more }, 0, [1])['parameters']!;
  expect(told('/models/photo, v2: final')).toContain('Model: "photo, v2: final", Version');
  expect(told('/hub/models--me--my-model/snapshots/0123abcd')).toContain('Model: me/my-model,');
  const all = { clipSkip: 1, eta: 0.5, guidanceRescale: 0.7, timesteps: [900, 300] };
  expect(told('/models/x', all)).toContain(
    'Clip skip: 2, Eta: 0.5, CFG Rescale: 0.7, Timesteps: "900, 300", Model: x,',
  );
  expect(told('/models/x')).toMatch(/Timestep spacing: leading, CFG scale: 7, Seed: 1, Size: 64x64, Model: x, Version/);
});
