import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Plugin } from '../../src/extension/Plugin.js';
import type { PluginContext } from '../../src/extension/PluginContext.js';
import { DEVICES, MODELS, SCHEDULERS, TOKENIZERS } from '../../src/extension/tokens.js';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import { AutoencoderKL } from '../../src/models/AutoencoderKL.js';
import { CLIPTextModel } from '../../src/models/CLIPTextModel.js';
import { modelRegistry } from '../../src/models/modelRegistry.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { FromPretrainedOptions } from '../../src/pipelines/FromPretrainedOptions.js';
import { StableDiffusionPipeline } from '../../src/pipelines/StableDiffusionPipeline.js';
import { PIPELINES } from '../../src/run/PipelineConstructor.js';
import { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import { EulerDiscreteScheduler } from '../../src/schedulers/EulerDiscreteScheduler.js';
import { CLIPTokenizer } from '../../src/tokenizers/CLIPTokenizer.js';
import { T5Tokenizer } from '../../src/tokenizers/T5Tokenizer.js';
import { fixturePath } from '../support/fixturePath.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thimble-parts-'));
  await cp(fixturePath('sd-tiny'), folder, { recursive: true });
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function open(options: FromPretrainedOptions = {}): Promise<DiffusionPipeline> {
  return DiffusionPipeline.fromPretrained(folder, { deviceOptions: { inline: true, threads: 1 }, ...options });
}

async function edit(file: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
  const path = join(folder, file);
  const json = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...json, ...fields }));
}

/** Puts another part into the checkpoint: a copy of a fixture's folder, or none where nothing may look into it. */
async function addPart(name: string, className: string, from?: string): Promise<void> {
  if (from !== undefined) await cp(fixturePath(from), join(folder, name), { recursive: true });
  await edit('model_index.json', { [name]: ['somewhere', className] });
}

const provide = (apply: (ctx: PluginContext) => void): Plugin => ({ name: 'test:provider', apply });

describe('parts are opened by their class', () => {
  test('whatever they are called, and however many there are', async () => {
    await addPart('tokenizer_2', 'T5TokenizerFast', 'cogvideox-tiny/tokenizer');
    await addPart('text_encoder_2', 'CLIPTextModel', 'sd-tiny/text_encoder');
    await addPart('image_noising_scheduler', 'EulerDiscreteScheduler', 'sd-tiny/scheduler');
    await edit('image_noising_scheduler/scheduler_config.json', { _class_name: 'EulerDiscreteScheduler' });
    await addPart('words', 'CLIPTokenizer', 'sd-tiny/tokenizer');
    await addPart('first_stage', 'AutoencoderKL', 'sd-tiny/vae');
    await using pipe = await open();
    expect(Object.keys(pipe.components).sort()).toEqual([
      'first_stage',
      'text_encoder',
      'text_encoder_2',
      'unet',
      'vae',
    ]);
    expect(pipe.components['text_encoder_2']?.model).toBeInstanceOf(CLIPTextModel);
    expect(pipe.components['first_stage']?.model).toBeInstanceOf(AutoencoderKL);
    expect(Object.keys(pipe.tokenizers).sort()).toEqual(['tokenizer', 'tokenizer_2', 'words']);
    expect(pipe.tokenizers['tokenizer_2']).toBeInstanceOf(T5Tokenizer);
    expect(pipe.tokenizer).toBe(pipe.tokenizers['tokenizer']);
    expect(pipe.parts).toMatchObject({ ...pipe.tokenizers, scheduler: pipe.scheduler });
    expect(pipe.parts['image_noising_scheduler']).toBeInstanceOf(EulerDiscreteScheduler);
    expect(Object.keys(pipe.parts)).toHaveLength(10);
  });

  test('and asked for by name as before', async () => {
    await addPart('tokenizer_2', 'CLIPTokenizerFast', 'sd-tiny/tokenizer');
    await using pipe = await open({ components: ['tokenizer_2', 'vae'] });
    expect(Object.keys(pipe.parts).sort()).toEqual(['tokenizer_2', 'vae']);
    expect(pipe.parts['tokenizer_2']).toBeInstanceOf(CLIPTokenizer);
    expect(() => pipe.tokenizer).toThrow(expect.objectContaining({ code: 'ERR_COMPONENT_MISSING' }));
  });

  test('a scheduler that is replaced is what parts shows', async () => {
    await using pipe = await open();
    pipe.scheduler = pipe.createScheduler('PNDMScheduler');
    expect(pipe.parts['scheduler']).toBe(pipe.scheduler);
  });

  test('those that no run uses are passed over, with a warning of a safety checker', async () => {
    await addPart('checker', 'StableDiffusionSafetyChecker');
    await addPart('feature_extractor', 'CLIPImageProcessor');
    await addPart('eyes', 'CLIPVisionModelWithProjection');
    const warnings: string[] = [];
    await using pipe = await open({
      onProgress: (event) => void (event.type === 'warning' && warnings.push(event.code)),
    });
    expect(Object.keys(pipe.parts).sort()).toEqual(['scheduler', 'text_encoder', 'tokenizer', 'unet', 'vae']);
    expect(warnings).toEqual(['WARN_NO_SAFETY_CHECKER']);
  });

  test('a scheduler is of the class of model_index.json, as in diffusers, whatever its config says', async () => {
    for (const [className, own, timesteps] of [
      ['DDIMScheduler', 'FlaxDDIMScheduler', [751, 501, 251, 1]],
      ['DDIMScheduler', 'PNDMScheduler', [751, 501, 251, 1]],
      ['PNDMScheduler', 'DDIMScheduler', [751, 501, 501, 251, 1]],
      ['EulerDiscreteScheduler', 'KDPM2DiscreteScheduler', [999, 666, 333, 0]],
      ['DPMSolverMultistepScheduler', 'EulerDiscreteScheduler', [999, 749, 500, 250]],
    ] as const) {
      await edit('model_index.json', { scheduler: ['diffusers', className] });
      const config = { _class_name: own, steps_offset: 1, clip_sample: false, skip_prk_steps: true };
      await writeFile(join(folder, 'scheduler/scheduler_config.json'), JSON.stringify(config));
      await using pipe = await open({ components: ['scheduler'] });
      pipe.scheduler.setTimesteps(4);
      expect(pipe.scheduler.config['_class_name']).toBe(className);
      expect(pipe.scheduler.timesteps.map(Math.round)).toEqual(timesteps);
    }
  });

  test.each([
    ['a model', 'unet', 'UNet9000', 'ERR_COMPONENT_UNSUPPORTED', /UNet9000.*UNet2DConditionModel/],
    ['a model under a scheduler’s name', 'scheduler', 'UNet9000', 'ERR_COMPONENT_UNSUPPORTED', /UNet9000/],
    ['a scheduler', 'scheduler_2', 'MagicScheduler', 'ERR_SCHEDULER_UNKNOWN', /MagicScheduler.*DDIMScheduler/],
    ['a tokenizer', 'tokenizer_2', 'MagicTokenizer', 'ERR_TOKENIZER_UNSUPPORTED', /MagicTokenizer.*T5Tokenizer/],
    ['what every object has', 'unet', 'constructor', 'ERR_COMPONENT_UNSUPPORTED', /constructor/],
  ])('a class that nobody knows is refused: %s', async (_, name, className, code, message) => {
    if (className === 'MagicScheduler') await addPart(name, className, 'sd-tiny/scheduler');
    else await addPart(name, className);
    if (className === 'MagicScheduler') await edit(`${name}/scheduler_config.json`, { _class_name: className });
    await expect(open()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test.each([
    ['vae', 'vae'],
    ['unet', 'unet'],
    ['text_encoder', 'text_encoder'],
  ])('a folder that holds %s alone is a pipeline with a component of its usual name', async (part, name) => {
    await using pipe = await DiffusionPipeline.fromPretrained(join(folder, part), {
      deviceOptions: { inline: true, threads: 1 },
    });
    expect(Object.keys(pipe.components)).toEqual([name]);
  });

  test('every model of core says what it is usually called', () => {
    for (const { componentName } of Object.values(modelRegistry))
      expect(componentName).toMatch(/^(unet|transformer|vae|text_encoder)$/);
  });
});

describe('an outsider', () => {
  const MyVae = { fromConfig: (config: Readonly<Record<string, unknown>>) => AutoencoderKL.fromConfig(config) };
  class MyPipeline extends StableDiffusionPipeline {}
  class MyScheduler extends DDIMScheduler {}

  test('adds classes of models, tokenizers, schedulers and pipelines under the tokens that core uses', async () => {
    await edit('model_index.json', {
      _class_name: 'MyPipeline',
      vae: ['me', 'MyVae'],
      tokenizer: ['me', 'MyTokenizer'],
      scheduler: ['me', 'MyScheduler'],
    });
    await edit('tokenizer/tokenizer_config.json', { tokenizer_class: 'PreTrainedTokenizerFast' });
    await edit('vae/config.json', { _class_name: 'MyVae' });
    const folders: string[] = [];
    const MyTokenizer = {
      fromPretrained: async (at: string) => {
        folders.push(at);
        return CLIPTokenizer.fromPretrained(fixturePath('sd-tiny/tokenizer'));
      },
    };
    await expect(open()).rejects.toMatchObject({ code: 'ERR_PIPELINE_UNSUPPORTED' });
    const plugin = provide((ctx) => {
      ctx.provide(MODELS, { MyVae });
      ctx.provide(TOKENIZERS, { MyTokenizer });
      ctx.provide(SCHEDULERS, { MyScheduler });
      ctx.provide(PIPELINES, { MyPipeline, MyInpaintPipeline: MyPipeline });
    });
    await using pipe = await open({ plugins: [plugin] });
    expect(pipe).toBeInstanceOf(MyPipeline);
    expect(pipe.scheduler).toBeInstanceOf(MyScheduler);
    expect(folders).toEqual([join(pipe.folder, 'tokenizer')]);
    expect(pipe.components['vae']?.model).toBeInstanceOf(AutoencoderKL);
    await edit('model_index.json', { _class_name: 'MyInpaintPipeline' });
    await using again = await open({ plugins: [plugin].map((one) => ({ ...one, name: 'test:again' })) });
    expect(again).toBeInstanceOf(MyPipeline);
    expect(again.className).toBe('MyInpaintPipeline');
  });

  test('opens checkpoints of the class that its own extends, as its own', async () => {
    const options = {
      deviceOptions: { inline: true, threads: 1 },
      components: ['scheduler'],
      signal: undefined,
    } as const;
    await using pipe: MyPipeline = await MyPipeline.fromPretrained(folder, options);
    expect(pipe).toBeInstanceOf(MyPipeline);
    await edit('model_index.json', { _class_name: 'MyPipeline' });
    await using named: MyPipeline = await MyPipeline.fromPretrained(folder, options);
    expect(named).toBeInstanceOf(MyPipeline);
    await expect(StableDiffusionPipeline.fromPretrained(folder, options)).rejects.toThrow(/not of a MyPipeline/);
    await expect(
      MyPipeline.fromPretrained(join(folder, 'vae'), { deviceOptions: { inline: true } }),
    ).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'folderOrId' },
    });
  });

  test('may take the place of a class of core, and sees what core has', async () => {
    const seen: string[] = [];
    const plugin = provide((ctx) => {
      seen.push(...ctx.getAll(MODELS).flatMap(Object.keys));
      ctx.provide(SCHEDULERS, { DDIMScheduler: MyScheduler });
    });
    await using pipe = await open({ plugins: [plugin] });
    expect(seen).toEqual(Object.keys(modelRegistry));
    expect(pipe.scheduler).toBeInstanceOf(MyScheduler);
    await pipe.remove(plugin);
    expect(pipe.createScheduler('DDIMScheduler')).not.toBeInstanceOf(MyScheduler);
  });

  test('may run what no run here uses, and name a model that stands alone', async () => {
    await addPart('image_encoder', 'CLIPVisionModelWithProjection', 'sd-tiny/vae');
    const CLIPVisionModelWithProjection = { ...MyVae, componentName: 'image_encoder' };
    const plugin = provide((ctx) => void ctx.provide(MODELS, { CLIPVisionModelWithProjection, Nameless: MyVae }));
    {
      await using pipe = await open({ plugins: [plugin] });
      expect(Object.keys(pipe.components)).toContain('image_encoder');
    }
    for (const [className, name] of [
      ['CLIPVisionModelWithProjection', 'image_encoder'],
      ['Nameless', 'model'],
    ] as const) {
      await edit('vae/config.json', { _class_name: className });
      await using pipe = await DiffusionPipeline.fromPretrained(join(folder, 'vae'), {
        deviceOptions: { inline: true, threads: 1 },
        plugins: [plugin],
      });
      expect(Object.keys(pipe.components)).toEqual([name]);
    }
  });

  test('that fails leaves no device behind', async () => {
    let disposed = 0;
    const plugin = provide((ctx) => {
      ctx.provide(DEVICES, {
        mine: () => {
          const device = new InlineDevice({ provider: 'cpu' });
          const dispose = device.dispose.bind(device);
          device.dispose = async () => {
            disposed++;
            await dispose();
          };
          return device;
        },
      });
      ctx.provide(MODELS, {
        AutoencoderKL: {
          fromConfig: () => {
            throw new RangeError('not today');
          },
        },
      });
    });
    await expect(open({ device: 'mine', plugins: [plugin] })).rejects.toThrow('not today');
    expect(disposed).toBe(1);
  });
});

describe('a component in another one’s place', () => {
  test('by replace and by assignment, alike', async () => {
    await using pipe = await open({ components: ['vae', 'unet'] });
    const { vae, unet } = pipe.components as Record<'vae' | 'unet', NonNullable<(typeof pipe.components)[string]>>;
    const attached: unknown[] = [];
    const attachable = { attachTo: (present: typeof vae) => (attached.push(present), unet) };
    expect(pipe.replace('vae', attachable)).toBe(unet);
    expect(pipe.components['vae']).toBe(unet);
    pipe.components['vae'] = vae;
    expect(pipe.components['vae']).toBe(vae);
    Object.assign(pipe.components, { vae: attachable });
    expect({ ...pipe.components }['vae']).toBe(unet);
    pipe.vae = vae;
    expect(pipe.vae).toBe(vae);
    pipe.vae = attachable;
    expect(pipe.components['vae']).toBe(unet);
    expect(attached).toEqual([vae, vae, vae]);
    expect(() => pipe.transformer).toThrow(expect.objectContaining({ code: 'ERR_COMPONENT_MISSING' }));
    expect(() => pipe.replace('transformer', attachable)).toThrow(
      expect.objectContaining({ code: 'ERR_COMPONENT_MISSING' }),
    );
  });
});
