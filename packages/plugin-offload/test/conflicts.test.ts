import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type DiffusionPipeline, type Plugin, Tensor } from '@thimble/core';
import { type ProcessDevice } from '@thimble/core/plugin';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '../src/index.js';

// diffusers' order and conflict matrix (pipelines/pipeline_utils.py), cell by cell, as far as offloading is concerned. Where diffusers lets the
// last one win or warns and goes on, here it is an error or has an exact result.

const TINY = { numInferenceSteps: 1, seed: 1, outputType: 'tensor' } as const;
const KINDS: Readonly<Record<string, () => Plugin>> = {
  model: () => new ModelOffloadPlugin(),
  sequential: () => new SequentialOffloadPlugin(),
};
let pipe: DiffusionPipeline;

beforeAll(async () => {
  pipe = await createTestPipeline({ device: 'inline' });
});
// What a test loaded, too: the next one begins as if the pipeline were new.
afterEach(async () => {
  for (const plugin of pipe.plugins) await pipe.remove(plugin);
  for (const component of Object.values(pipe.components)) await component.unload();
});
afterAll(async () => {
  await pipe.dispose();
});

const picture = async (): Promise<Float32Array> => (await pipe.generate('a cat', TINY)).images.data as Float32Array;
const loaded = ({ components } = pipe): string[] =>
  Object.values(components)
    .filter(({ residentBytes }) => residentBytes > 0)
    .map(({ name }) => name);
const tapOwners = (): number => Object.values(pipe.hooks).reduce((sum, hook) => sum + hook.owners().length, 0);

describe.each([
  ['model', 'sequential', 'ERR_PLUGIN_CONFLICT'],
  ['sequential', 'model', 'ERR_PLUGIN_CONFLICT'],
  ['model', 'model', 'ERR_PLUGIN_DUPLICATE'],
  ['sequential', 'sequential', 'ERR_PLUGIN_DUPLICATE'],
])('%s, then %s', (first, second, code) => {
  test('is refused by name, and the first one goes on', async () => {
    const before = await picture();
    await pipe.use(KINDS[first]!());
    await expect(pipe.use(KINDS[second]!())).rejects.toMatchObject({ code });
    expect(pipe.plugins.map(({ name }) => name)).toEqual([`thimble:${first}-offload`]);
    expect(await picture()).toEqual(before);
    expect(loaded()).toEqual([]);
  });

  test('works once the first one is removed', async () => {
    const before = await picture();
    const handle = await pipe.use(KINDS[first]!());
    await handle.remove();
    await pipe.use(KINDS[second]!());
    expect(await picture()).toEqual(before);
    expect(loaded()).toEqual([]);
  });
});

describe.each(Object.entries(KINDS))('%s offloading', (_kind, create) => {
  test('added after components were loaded ("moved to the device first"): unloads them and gives their memory back', async () => {
    await using other = await createTestPipeline();
    await other.components['unet']!.load();
    expect(loaded(other)).toEqual(['unet']);
    await other.use(create());
    expect(loaded(other)).toEqual([]);
    expect((other.device as ProcessDevice).pid).toBeUndefined();
  });

  test('a component loaded by hand afterwards ("moved to the device while offloaded"): works, and is freed after the run', async () => {
    const before = await picture();
    await pipe.use(create());
    await pipe.components['unet']!.load();
    expect(await picture()).toEqual(before);
    expect(loaded()).toEqual([]);
  });

  test('two pipelines that share components: each offloads its own', async () => {
    const before = await picture();
    await pipe.use(create());
    await using second = await createTestPipeline({ device: 'inline', components: { unet: pipe.components['unet']! } });
    await second.use(create());
    const [a, b] = await Promise.all([picture(), second.generate('a cat', TINY)]);
    expect(a).toEqual(before);
    expect(b.images.data).toEqual(before);
  });

  test('one pipeline with and one without, of one checkpoint: the other one keeps what it has loaded', async () => {
    await pipe.use(create());
    await using second = await createTestPipeline({ device: 'inline' });
    await second.generate('a cat', TINY);
    await picture();
    expect(second.components['unet']!.loaded).toBe(true);
  });

  test('a component called outside the pipeline, in any order', async () => {
    await pipe.use(create());
    const z = new Tensor('float32', new Float32Array(4 * 16).fill(0.5), [1, 4, 4, 4]);
    const { input_ids } = pipe.tokenizer.encode(['a cat']);
    const inputs = {
      sample: new Tensor('float32', new Float32Array(256), [1, 4, 8, 8]),
      timestep: new Tensor('int64', BigInt64Array.of(1n), [1]),
    };
    await pipe.components['vae']!.decode({ z });
    const encoded = await pipe.components['text_encoder']!.call({ input_ids });
    await pipe.components['unet']!.call({ ...inputs, encoder_hidden_states: encoded['last_hidden_state']! });
    await pipe.components['vae']!.decode({ z });
    expect(loaded().filter((name) => name !== 'vae')).toEqual([]);
  });

  test('installing and removing in the middle of a run is refused; between two of many runs it is not', async () => {
    const before = await picture();
    const plugin = create();
    const codes: unknown[] = [];
    const tap = pipe.hooks.afterStep.tap('meddle', async () => {
      await pipe.use(create()).catch((error: unknown) => codes.push((error as { code?: string }).code));
      if (pipe.plugins.length > 0)
        await pipe.remove(plugin).catch((error: unknown) => codes.push((error as { code?: string }).code));
    });
    expect(await picture()).toEqual(before);
    tap[Symbol.dispose]();
    const taps = tapOwners();
    await pipe.use(plugin);
    expect(await picture()).toEqual(before);
    await pipe.remove(plugin);
    expect(tapOwners()).toBe(taps);
    expect(await picture()).toEqual(before);
    await pipe.use(plugin);
    expect(await picture()).toEqual(before);
    expect([...new Set(codes)]).toEqual(['ERR_PIPELINE_BUSY']);
  });

  test('three runs leave no sessions and no tensors', async () => {
    await pipe.use(create());
    for (let run = 0; run < 3; run++) await picture();
    expect(await pipe.device.usage()).toEqual({ sessions: 0, tensors: 0 });
  });
});
