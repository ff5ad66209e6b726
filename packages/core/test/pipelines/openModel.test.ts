import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import type { Plugin } from '../../src/extension/Plugin.js';
import type { PluginContext } from '../../src/extension/PluginContext.js';
import type { PluginPipeline } from '../../src/extension/PluginPipeline.js';
import { DEVICES } from '../../src/extension/tokens.js';
import { AutoencoderKL } from '../../src/models/AutoencoderKL.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { FromPretrainedOptions } from '../../src/pipelines/FromPretrainedOptions.js';

const CHECKPOINT = fileURLToPath(new URL('../../../plugin-testkit/checkpoint', import.meta.url));
const VAE = join(CHECKPOINT, 'vae');
let made = 0;
let disposed = 0;

beforeEach(() => {
  made = 0;
  disposed = 0;
});

/** A plugin that counts the devices of a pipeline, each of which takes a while to make: until `ready`. */
function withDevice(
  apply: (ctx: PluginContext) => unknown = () => undefined,
  ready: () => Promise<unknown> = async () => new Promise((resolve) => setTimeout(resolve, 20)),
): Plugin {
  return {
    name: 'test:device',
    apply: async (ctx) => {
      ctx.provide(DEVICES, {
        slow: async () => {
          made++;
          await ready();
          const device = new InlineDevice({ provider: 'cpu' });
          const dispose = device.dispose.bind(device);
          device.dispose = async () => {
            disposed++;
            await dispose();
          };
          return device;
        },
      });
      await apply(ctx);
    },
  };
}

async function open(plugin: Plugin, options: FromPretrainedOptions = {}): Promise<DiffusionPipeline> {
  return DiffusionPipeline.fromPretrained(CHECKPOINT, { device: 'slow', plugins: [plugin], ...options });
}

describe('the device of a pipeline', () => {
  test('is made once, though two models are opened at the same time before it is there', async () => {
    const both = async ({ pipeline }: PluginContext): Promise<unknown> =>
      Promise.all([pipeline.open('one', VAE), pipeline.open('two', VAE)]);
    const pipe = await open(withDevice(both));
    expect(pipe.components['one']!.device).toBe(pipe.device);
    expect(pipe.components['two']!.device).toBe(pipe.device);
    await pipe.dispose();
    expect({ made, disposed }).toEqual({ made: 1, disposed: 1 });
  });

  test('is ended where opening fails while it is being made, and none is made afterwards', async () => {
    const vae = await AutoencoderKL.fromPretrained(VAE);
    let pipeline: PluginPipeline | undefined;
    let opening: Promise<unknown> | undefined;
    // Were it made by a clock, a slow machine would have opened the model before the pipeline fails.
    let removed: () => void = () => undefined;
    const failed = new Promise<void>((resolve) => {
      removed = resolve;
    });
    const plugin = withDevice(
      (ctx) => {
        ({ pipeline } = ctx);
        ctx.onRemove(removed);
        opening = ctx.pipeline.open('one', vae).catch((error: unknown) => error);
      },
      async () => failed,
    );
    await expect(open(plugin, { components: ['unett'] })).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
    expect({ made, disposed }).toEqual({ made: 1, disposed: 1 });
    expect(await opening).toMatchObject({ code: 'ERR_PLUGIN_REMOVED' });
    await expect(pipeline!.open('two', vae)).rejects.toMatchObject({ code: 'ERR_PLUGIN_REMOVED' });
  });
});

describe('ctx.pipeline.open refuses', () => {
  const opening =
    (...given: Parameters<PluginPipeline['open']>) =>
    async ({ pipeline }: PluginContext): Promise<unknown> =>
      pipeline.open(...given);

  test.each([
    ['an option that loading does not have', { subfoldr: 'vae' }, 'options'],
    ['options that are no object', null, 'options'],
    ['another signal than one', { signal: 1 }, 'signal'],
  ])('%s', async (_, options, argument) => {
    await expect(open(withDevice(opening('one', VAE, options as object)))).rejects.toMatchObject({
      cause: { code: 'ERR_ARGUMENT_INVALID', details: { argument } },
    });
    await expect(AutoencoderKL.fromPretrained(VAE, options as object)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument },
    });
  });

  test('options for a model that is opened already', async () => {
    const loaded = await AutoencoderKL.fromPretrained(VAE);
    await expect(open(withDevice(opening('one', loaded, { dtype: 'float16' })))).rejects.toMatchObject({
      cause: { details: { argument: 'options.dtype', value: 'float16' } },
    });
    const pipe = await open(withDevice(opening('one', loaded, { dtype: undefined })));
    expect(pipe.components).toHaveProperty('one');
    await pipe.dispose();
  });

  test.each(['vae', 'tokenizer', 'scheduler'])(
    'the name of the own %s, before it is opened and afterwards',
    async (name) => {
      await expect(open(withDevice(opening(name, VAE)))).rejects.toMatchObject({
        code: 'ERR_ARGUMENT_INVALID',
        details: { argument: 'name', value: name },
      });
      expect(disposed).toBe(made);
      const pipe = await open(withDevice());
      await expect(pipe.use({ name: 'test:late', apply: opening(name, VAE) as Plugin['apply'] })).rejects.toMatchObject(
        {
          cause: { code: 'ERR_ARGUMENT_INVALID', details: { argument: 'name', value: name } },
        },
      );
      await pipe.dispose();
    },
  );

  test('but not a name whose part is left out', async () => {
    const pipe = await open(withDevice(opening('vae', VAE)), { components: ['unet'] });
    expect(Object.keys(pipe.components).sort()).toEqual(['unet', 'vae']);
    await pipe.dispose();
  });
});

describe('the option components', () => {
  test.each([
    ['a text', 'unet'],
    ['null', null],
    ['a number', 5],
    ['a list of other things', [5]],
    ['a name that the checkpoint does not have', ['unett']],
  ])('refuses %s', async (_, components) => {
    await expect(open(withDevice(), { components: components as never })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'components' },
    });
    expect(made).toBe(0);
  });

  test('refuses models under names that no model of the checkpoint has', async () => {
    const vae = await AutoencoderKL.fromPretrained(VAE);
    for (const name of ['vea', 'tokenizer', 'toString'])
      await expect(open(withDevice(), { components: { [name]: vae } })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT_INVALID',
        message: expect.stringContaining('text_encoder'),
        details: { argument: 'components', value: name },
      });
    await expect(open(withDevice(), { components: { vae: {} as never } })).rejects.toMatchObject({
      details: { argument: 'components.vae' },
    });
  });

  test('holds for the folder of a single model too', async () => {
    const options = { device: 'slow', plugins: [withDevice()] };
    const vae = await AutoencoderKL.fromPretrained(VAE);
    for (const components of [['unet'], { unet: vae }])
      await expect(DiffusionPipeline.fromPretrained(VAE, { ...options, components })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT_INVALID',
        message: expect.stringContaining('names out of vae'),
      });
    const pipe = await DiffusionPipeline.fromPretrained(VAE, { ...options, components: { vae } });
    expect(pipe.components['vae']!.model).toBe(vae.model);
    await pipe.dispose();
    const empty = await DiffusionPipeline.fromPretrained(VAE, { ...options, components: [] });
    expect(empty.components).toEqual({});
    await empty.dispose();
  });
});
