import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { fixturePath } from '../support/fixturePath.js';

const TINY = { width: 64, height: 64, numInferenceSteps: 2, seed: 1, outputType: 'latent' } as const;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thimble-test-'));
  await cp(fixturePath('sd-tiny'), folder, { recursive: true });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function edit(file: string, change: (config: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, file);
  const config = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(config);
  await writeFile(path, JSON.stringify(config));
}

async function open(path: string = folder): Promise<DiffusionPipeline> {
  return DiffusionPipeline.fromPretrained(path, { deviceOptions: { inline: true, threads: 1 } });
}

describe('a checkpoint with an old config', () => {
  test('gets the scheduler values that Stable Diffusion needs, with a warning, as in diffusers', async () => {
    await edit('scheduler/scheduler_config.json', (config) => {
      delete config['clip_sample'];
      delete config['steps_offset'];
    });
    await using pipe = await open();
    expect(pipe.scheduler.config).toMatchObject({ clip_sample: false, steps_offset: 1, _class_name: 'DDIMScheduler' });
    const warnings: string[] = [];
    for await (const event of pipe.stream('a cat', TINY)) if (event.type === 'warning') warnings.push(event.code);
    expect(warnings).toContain('WARN_SCHEDULER_OUTDATED');
  });

  test.each([
    ['0.6.0', 32, 64],
    ['0.6.0', 96, 96],
    ['0.9.0', 32, 32],
    ['0.42.1', 32, 32],
    [undefined, 32, 32],
  ])('by diffusers %p with sample_size %p makes latents of %p', async (version, size, expected) => {
    await edit('unet/config.json', (config) =>
      Object.assign(config, { sample_size: size, _diffusers_version: version }),
    );
    await using pipe = await open();
    let width: unknown;
    pipe.hooks.beforeRun.tap('witness', ({ options }) => {
      width = options['width'];
      throw new Error('seen');
    });
    await expect(pipe.generate('a cat')).rejects.toThrow('seen');
    expect(width).toBe(expected * 8);
  });

  test('takes height and width of a list', async () => {
    await edit('unet/config.json', (config) => Object.assign(config, { sample_size: [16, 24] }));
    await using pipe = await open();
    const { images } = await pipe.generate('a cat', { numInferenceSteps: 1, outputType: 'latent', seed: 1 });
    expect(images.dims).toEqual([1, 4, 16, 24]);
  });

  test('without scaling_factor decodes as with the one that all had, as a pipeline and as a single model', async () => {
    const latents = new Tensor(
      'float32',
      Float32Array.from({ length: 4 * 64 }, (_, i) => Math.sin(i)),
      [1, 4, 8, 8],
    );
    await using whole = await open();
    const [expected] = await whole.decodeLatents(latents);
    await edit('vae/config.json', (config) => void delete config['scaling_factor']);
    await using old = await open();
    await using single = await open(join(folder, 'vae'));
    expect((await old.decodeLatents(latents))[0]?.data).toEqual(expected?.data);
    expect((await single.decodeLatents(latents))[0]?.data).toEqual(expected?.data);
  });
});

test('clipSkip concerns the prompt, not the negative prompt, as in diffusers', async () => {
  await using pipe = await open();
  const { text_encoder: encoder } = pipe.components;
  const layers = Number(encoder!.config['num_hidden_layers']);
  const { last_hidden_state: negative } = await encoder!.call({ input_ids: pipe.tokenizer.encode('blurry').input_ids });
  const name = `hidden_states.${layers - 1}`;
  const { [name]: skipped } = await encoder!.call(
    { input_ids: pipe.tokenizer.encode('a cat').input_ids },
    { outputs: [name] },
  );
  const { last_hidden_state: positive } = await encoder!.invoke('normalize', { hidden_states: skipped! });
  const given = await pipe.generate('', { ...TINY, promptEmbeds: positive!, negativePromptEmbeds: negative! });
  const own = await pipe.generate('a cat', { ...TINY, clipSkip: 1, negativePrompt: 'blurry' });
  expect(own.images.data).toEqual(given.images.data);
});
