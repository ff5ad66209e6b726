import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type Plugin, Tensor, TorchGenerator } from '@thimble/core';
import { type ComponentHandle, hookNames, MODELS, type PluginContext } from '@thimble/core/plugin';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '../src/index.js';
import { TinyControlNet, writeTinyControlNet } from './TinyControlNet.js';

const CHECKPOINT = fileURLToPath(new URL('../../plugin-testkit/checkpoint', import.meta.url));
const RUN = { numInferenceSteps: 2, seed: 1, outputType: 'latent' as const };
let folder: string;
let pipe: DiffusionPipeline;

/** Feeds the UNet what a model of its own makes of the latents. */
class FeedingPlugin implements Plugin {
  readonly name = 'test:feeding';

  async apply({ hooks, pipeline }: PluginContext): Promise<void> {
    const controlnet = await pipeline.open('controlnet', await TinyControlNet.fromPretrained(folder));
    hooks.beforeModelCall.tap(this.name, async (call) => {
      if (call.component !== 'unet') return;
      const residuals = await controlnet.call(
        { sample: call.inputs['sample'] as Tensor },
        { run: call.run, signal: call.signal },
      );
      call.inputs = { ...call.inputs, ...residuals };
    });
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thimble-feeding-'));
  await writeTinyControlNet(folder);
});
afterAll(async () => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  pipe = await DiffusionPipeline.fromPretrained(CHECKPOINT);
});
afterEach(async () => pipe.dispose());

const latents = async (): Promise<Float32Array> => (await pipe.generate('a cat', RUN)).images.data as Float32Array;
const taps = (): readonly string[] =>
  hookNames.flatMap((name) => pipe.hooks[name].owners().map((tap) => `${name} ${tap.plugin}`));

describe('a plugin with a model that feeds the UNet', () => {
  test('gives what the UNet gives that is called by hand with those residuals', async () => {
    const generator = new TorchGenerator(0);
    const inputs = {
      sample: generator.randn([2, 4, 8, 8]),
      timestep: new Tensor('int64', BigInt64Array.of(501n), [1]),
      encoder_hidden_states: generator.randn([2, 77, 16]),
    };
    const unet = pipe.components['unet']!;
    const plain = await unet.call(inputs);
    const handle = await pipe.use(new FeedingPlugin());
    const residuals = await pipe.components['controlnet']!.call({ sample: inputs.sample });
    const fed = await unet.call(inputs);
    await handle.remove();
    const byHand = await unet.call({ ...inputs, ...residuals });
    expect(Object.keys(residuals)).toHaveLength(7);
    expect(fed['sample']!.data).toEqual(byHand['sample']!.data);
    expect(fed['sample']!.data).not.toEqual(plain['sample']!.data);
  });

  test('changes pictures, and its removal is exact to the bit', async () => {
    const plain = await latents();
    const components = Object.keys(pipe.components);
    const handle = await pipe.use(new FeedingPlugin());
    expect(Object.keys(pipe.components)).toEqual([...components, 'controlnet']);
    expect(await latents()).not.toEqual(plain);
    await handle.remove();
    expect(await latents()).toEqual(plain);
    expect(Object.keys(pipe.components)).toEqual(components);
    expect(taps()).toEqual([]);
  });

  test.each([
    ['ModelOffloadPlugin', () => new ModelOffloadPlugin()],
    ['SequentialOffloadPlugin', () => new SequentialOffloadPlugin()],
  ])('is under %s, installed before or after it', async (_, create) => {
    const handle = await pipe.use(new FeedingPlugin());
    const fed = await latents();
    for (const order of [[create()], [new FeedingPlugin(), create()].reverse()]) {
      if (order.length === 2) await handle.remove();
      for (const plugin of order) await pipe.use(plugin);
      const together: string[] = [];
      using watch = pipe.hooks.afterModelCall.tap('watch', () => {
        const loaded = Object.values(pipe.components).filter(({ residentBytes }) => residentBytes > 0);
        if (loaded.length > 1) together.push(loaded.map(({ name }) => name).join());
      });
      void watch;
      expect(await latents()).toEqual(fed);
      expect(together).toEqual([]);
      for (const plugin of order) await pipe.remove(plugin);
    }
  });
});

describe('ctx.pipeline.open', () => {
  const opening = (name: string, from: string, done: (handle: ComponentHandle) => void): Plugin => ({
    name: 'test:opening',
    apply: async ({ pipeline }) => done(await pipeline.open(name, from)),
  });

  test('opens a folder by its class, on the device of the pipeline, and closes it when the plugin goes', async () => {
    let handle: ComponentHandle | undefined;
    const plugin = await pipe.use(opening('vae_2', join(CHECKPOINT, 'vae'), (opened) => (handle = opened)));
    expect(handle).toBe(pipe.components['vae_2']);
    expect(handle!.device).toBe(pipe.device);
    const z = new Tensor('float32', new Float32Array(256).fill(0.5), [1, 4, 8, 8]);
    const [mine, theirs] = [await handle!.invoke('decode', { z }), await pipe.components['vae']!.decode({ z })];
    expect(mine['sample']!.data).toEqual(theirs.sample.data);
    expect(handle!.loaded).toBe(false);
    expect(handle!.residentBytes).toBeGreaterThan(0);
    await plugin.remove();
    expect(handle!.residentBytes).toBe(0);
    expect(pipe.components).not.toHaveProperty('vae_2');
  });

  test("opens a model of the plugin's own class by its folder, once the plugin provides the class", async () => {
    const plugin = await pipe.use({
      name: 'test:providing',
      apply: async ({ pipeline, provide }) => {
        provide(MODELS, { TinyControlNet });
        await pipeline.open('controlnet', folder);
      },
    });
    expect(pipe.components['controlnet']!.model).toBeInstanceOf(TinyControlNet);
    await plugin.remove();
    expect(pipe.components).not.toHaveProperty('controlnet');
  });

  test('refuses a name that is taken, and leaves nothing behind', async () => {
    const used = pipe.use(opening('vae', join(CHECKPOINT, 'vae'), () => undefined));
    await expect(used).rejects.toMatchObject({
      cause: { code: 'ERR_ARGUMENT_INVALID', details: { argument: 'name' } },
    });
    expect(pipe.components['vae']!.name).toBe('vae');
  });

  test('refuses a name that the checkpoint turns out to have', async () => {
    const opened = DiffusionPipeline.fromPretrained(CHECKPOINT, {
      plugins: [opening('vae', join(CHECKPOINT, 'vae'), () => undefined)],
    });
    await expect(opened).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', details: { argument: 'name' } });
  });

  test('closes what was opened where apply fails later', async () => {
    const failing: Plugin = {
      name: 'test:failing',
      apply: async ({ pipeline }) => {
        await pipeline.open('vae_2', join(CHECKPOINT, 'vae'));
        throw new Error('no');
      },
    };
    await expect(pipe.use(failing)).rejects.toMatchObject({ code: 'ERR_PLUGIN_APPLY' });
    expect(pipe.components).not.toHaveProperty('vae_2');
  });

  test('is over when the plugin is', async () => {
    let context: PluginContext | undefined;
    const plugin = await pipe.use({ name: 'test:late', apply: (ctx) => void (context = ctx) });
    await plugin.remove();
    await expect(context!.pipeline.open('vae_2', join(CHECKPOINT, 'vae'))).rejects.toMatchObject({
      code: 'ERR_PLUGIN_REMOVED',
    });
    expect(pipe.components).not.toHaveProperty('vae_2');
  });
});
