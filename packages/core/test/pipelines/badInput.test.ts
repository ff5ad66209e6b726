import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { TorchGenerator } from '../../src/random/TorchGenerator.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { fixturePath } from '../support/fixturePath.js';

const INLINE = { deviceOptions: { inline: true, threads: 1 } };

describe('generate refuses', () => {
  let pipe: DiffusionPipeline;
  beforeAll(async () => {
    pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), INLINE);
  });
  afterAll(async () => {
    await pipe.dispose();
  });

  const nan = new Tensor('float32', new Float32Array(4 * 64).fill(Number.NaN), [1, 4, 8, 8]);
  const cases: readonly (readonly [string, string | string[], Record<string, unknown>, string, string])[] = [
    ['an empty prompt list', [], {}, 'ERR_ARGUMENT_INVALID', 'prompt'],
    ['a prompt that is no text', [1] as unknown as string[], {}, 'ERR_ARGUMENT_INVALID', 'prompt'],
    ['a width that is no multiple of 8', 'x', { width: 100 }, 'ERR_ARGUMENT_INVALID', 'width'],
    ['a height of 0', 'x', { height: 0 }, 'ERR_ARGUMENT_INVALID', 'height'],
    ['0 steps', 'x', { numInferenceSteps: 0 }, 'ERR_ARGUMENT_INVALID', 'numInferenceSteps'],
    [
      'more steps than the model was trained with',
      'x',
      { numInferenceSteps: 1001 },
      'ERR_ARGUMENT_INVALID',
      'numInferenceSteps',
    ],
    ['half a step', 'x', { numInferenceSteps: 1.5 }, 'ERR_ARGUMENT_INVALID', 'numInferenceSteps'],
    ['a guidance that is no number', 'x', { guidanceScale: Number.NaN }, 'ERR_ARGUMENT_INVALID', 'guidanceScale'],
    [
      'negative prompts of another number',
      ['x', 'y'],
      { negativePrompt: ['z'] },
      'ERR_ARGUMENT_INVALID',
      'negativePrompt',
    ],
    ['seeds of another number', 'x', { seed: [1, 2] }, 'ERR_ARGUMENT_INVALID', 'seed'],
    ['an option it does not know', 'x', { steps: 3 }, 'ERR_ARGUMENT_INVALID', 'options'],
    ['an unknown output type', 'x', { outputType: 'pil' }, 'ERR_ARGUMENT_INVALID', 'outputType'],
    [
      'latents of another shape',
      'x',
      { width: 64, height: 64, latents: new Tensor('float32', new Float32Array(4), [1, 4, 1, 1]) },
      'ERR_ARGUMENT_INVALID',
      'latents',
    ],
    ['timesteps for a scheduler that takes none', 'x', { timesteps: [3, 2] }, 'ERR_ARGUMENT_INVALID', 'timesteps'],
    ['timesteps and sigmas at once', 'x', { timesteps: [3, 2], sigmas: [3, 2] }, 'ERR_ARGUMENT_INVALID', 'sigmas'],
    [
      'a generator that draws nothing',
      'x',
      { generator: { random: Math.random } },
      'ERR_ARGUMENT_INVALID',
      'generator',
    ],
    [
      'generators of another number',
      'x',
      { generator: [new TorchGenerator(1), new TorchGenerator(2)] },
      'ERR_ARGUMENT_INVALID',
      'generator',
    ],
    ['a seed and a generator', 'x', { seed: 1, generator: new TorchGenerator(1) }, 'ERR_ARGUMENT_INVALID', 'generator'],
    ['too many skipped layers', 'x', { width: 64, height: 64, clipSkip: 9 }, 'ERR_ARGUMENT_INVALID', 'clipSkip'],
  ];
  test.each(cases)('%s', async (_what, prompt, options, code, argument) => {
    await expect(pipe.generate(prompt, options as GenerateOptions<'image'>)).rejects.toMatchObject({
      code,
      details: { argument },
    });
  });

  test('latents with NaN', async () => {
    await expect(pipe.generate('x', { width: 64, height: 64, latents: nan })).rejects.toMatchObject({
      code: 'ERR_LATENTS_NAN',
    });
    await expect(pipe.decodeLatents(nan)).rejects.toMatchObject({ code: 'ERR_LATENTS_NAN' });
  });

  test('components are called with what does not fit them', async () => {
    const unet = pipe.components['unet'];
    const sample = new Tensor('float32', new Float32Array(5 * 64), [1, 5, 8, 8]);
    await expect(unet?.call({ sample })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      details: { input: 'sample', expected: 'float32 [batch = 1, 4, height, width]' },
    });
    await expect(unet?.call({})).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      details: { input: 'sample', got: 'missing' },
    });
    await expect(unet?.decode({ z: sample })).rejects.toMatchObject({ code: 'ERR_ENTRY_UNKNOWN' });
  });
});

describe('fromPretrained refuses', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thimble-test-'));
    await cp(fixturePath('sd2-tiny'), folder, { recursive: true });
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const open = async (): Promise<void> => {
    const pipe = await DiffusionPipeline.fromPretrained(folder, INLINE);
    await pipe.dispose();
  };
  const edit = async (file: string, change: (json: Record<string, unknown>) => void): Promise<void> => {
    const path = join(folder, file);
    const json = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    change(json);
    await writeFile(path, JSON.stringify(json));
  };
  const rewrite = async (change: (tensors: Map<string, TensorToWrite>) => void): Promise<void> => {
    const path = join(folder, 'unet/diffusion_pytorch_model.safetensors');
    const file = await SafetensorsFile.open(path);
    const tensors = new Map<string, TensorToWrite>();
    for (const [name, info] of file.tensors)
      tensors.set(name, { dtype: info.dtype, shape: info.shape, data: await file.read(name) });
    change(tensors);
    await writeSafetensors(path, tensors);
  };

  test('a dtype that cannot be made a text', async () => {
    await expect(
      DiffusionPipeline.fromPretrained(folder, { dtype: Object.create(null) as never }),
    ).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', details: { argument: 'dtype' } });
  });

  test.each([[false], [1], [{}]])('%j in place of a list of plugins', async (plugins) => {
    await expect(DiffusionPipeline.fromPretrained(folder, { plugins: plugins as never })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'plugins' },
    });
  });

  const configs: readonly (readonly [string, unknown])[] = [
    ['down_block_types', ['AttnDownBlock2D', 'DownBlock2D', 'DownBlock2D']],
    ['act_fn', 'elu'],
    ['addition_embed_type', 'text_image'],
    ['class_embed_type', 'whatever'],
    ['num_attention_heads', 8],
    ['dual_cross_attention', true],
    ['mid_block_type', 'UNetMidBlock2DSimpleCrossAttn'],
    ['encoder_hid_dim', 512],
    ['time_embedding_type', 'fourier'],
    ['resnet_time_scale_shift', 'ada_group'],
    ['norm_num_groups', 5],
    ['attention_type', 'gated'],
    ['downsample_padding', 0.5],
  ];
  test.each(configs)('a UNet whose %s is not supported, naming field and value', async (field, value) => {
    await edit('unet/config.json', (json) => {
      json[field] = value;
    });
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_CONFIG_UNSUPPORTED',
      details: { component: 'UNet2DConditionModel', field },
    });
  });

  test.each([
    ['block_out_channels', 'many'],
    ['in_channels', -4],
    ['use_linear_projection', 'yes'],
    ['norm_eps', 'small'],
    ['layers_per_block', [1]],
    // What is built before weights are looked at would fill the memory.
    ['layers_per_block', 1e9],
    ['transformer_layers_per_block', 1e9],
    ['in_channels', 2 ** 40],
    ['sample_size', 6_000_000],
  ])('a UNet whose %s is wrong', async (field, value) => {
    await edit('unet/config.json', (json) => {
      json[field] = value;
    });
    await expect(open()).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', details: { field } });
  });

  test.each([0.5, -1, 2 ** 40])('a text encoder whose end of text is token %p', async (value) => {
    await edit('text_encoder/config.json', (json) => {
      json['eos_token_id'] = value;
    });
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      details: { component: 'CLIPTextModel', field: 'eos_token_id' },
    });
  });

  test('a text encoder with an unknown activation, a VAE with unknown blocks', async () => {
    await edit('text_encoder/config.json', (json) => {
      json['hidden_act'] = 'gelu_new';
    });
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_CONFIG_UNSUPPORTED',
      details: { field: 'hidden_act', value: 'gelu_new' },
    });
    await cp(fixturePath('sd2-tiny/text_encoder'), join(folder, 'text_encoder'), { recursive: true });
    await edit('vae/config.json', (json) => {
      json['up_block_types'] = ['AttnUpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D'];
    });
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_CONFIG_UNSUPPORTED',
      details: { component: 'AutoencoderKL', field: 'up_block_types' },
    });
  });

  test('a tensor that is missing, of another shape, or of a type that is no weight', async () => {
    const key = 'down_blocks.0.resnets.0.conv1.weight';
    await rewrite((tensors) => tensors.delete(key));
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_WEIGHT_MISSING',
      details: { component: 'unet', key, missing: 1 },
    });
    await rewrite((tensors) => tensors.set(key, { dtype: 'F32', shape: [2], data: new Uint8Array(8) }));
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_WEIGHT_SHAPE',
      details: { key, got: [2], expected: [16, 16, 3, 3] },
    });
    await rewrite((tensors) =>
      tensors.set(key, { dtype: 'I8', shape: [16, 16, 3, 3], data: new Uint8Array(16 * 16 * 9) }),
    );
    await expect(open()).rejects.toMatchObject({ code: 'ERR_WEIGHT_DTYPE', details: { key, got: 'I8' } });
  });

  test('a scheduler, a pipeline and a component of a class nobody knows', async () => {
    await edit('model_index.json', (json) => {
      json['scheduler'] = ['diffusers', 'MagicScheduler'];
    });
    await expect(open()).rejects.toMatchObject({ code: 'ERR_SCHEDULER_UNKNOWN' });
    await edit('model_index.json', (json) => {
      json['scheduler'] = ['diffusers', 'DDIMScheduler'];
      json['unet'] = ['diffusers', 'UNet9000'];
    });
    await edit('scheduler/scheduler_config.json', (json) => {
      json['_class_name'] = 'DDIMScheduler';
    });
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_COMPONENT_UNSUPPORTED',
      details: { component: 'unet', className: 'UNet9000' },
    });
    await edit('model_index.json', (json) => {
      json['_class_name'] = 'MagicPipeline';
    });
    await expect(open()).rejects.toMatchObject({ code: 'ERR_PIPELINE_UNSUPPORTED' });
  });

  test('a truncated file, malformed JSON, an unknown option', async () => {
    const weights = join(folder, 'vae/diffusion_pytorch_model.safetensors');
    await writeFile(weights, (await readFile(weights)).subarray(0, 5000));
    await expect(open()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_SAFETENSORS/) });
    await writeFile(join(folder, 'vae/config.json'), '{ "a": ');
    await expect(open()).rejects.toMatchObject({ code: 'ERR_JSON_INVALID' });
    await expect(DiffusionPipeline.fromPretrained(folder, { cuda: true } as object)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
    });
  });
});

describe('part of a checkpoint', () => {
  test('loads by name, and says what a run lacks', async () => {
    await using pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
      ...INLINE,
      components: ['vae'],
    });
    expect(Object.keys(pipe.components)).toEqual(['vae']);
    expect(await pipe.decodeLatents(new Tensor('float32', new Float32Array(4 * 16), [1, 4, 4, 4]))).toHaveLength(1);
    await expect(pipe.generate('x')).rejects.toMatchObject({
      code: 'ERR_COMPONENT_MISSING',
      details: { component: 'unet' },
    });
    await expect(
      DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { components: ['unett'] }),
    ).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  });

  test('that is a single model loads as a pipeline with one component', async () => {
    await using pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny/unet'), INLINE);
    expect(Object.keys(pipe.components)).toEqual(['unet']);
    await expect(pipe.generate('x')).rejects.toMatchObject({ code: 'ERR_GENERATE_UNSUPPORTED' });
  });
});
