import { afterEach, describe, expect, test } from '@jest/globals';
import { type DiffusionPipeline, Tensor } from '@thimble/core';
import { type ProcessDevice } from '@thimble/core/plugin';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '../src/index.js';

const TINY = { width: 64, height: 64, numInferenceSteps: 2, seed: 1, outputType: 'tensor' as const };
let pipe: DiffusionPipeline;

async function open(): Promise<DiffusionPipeline> {
  pipe = await createTestPipeline();
  return pipe;
}

function loaded(): string[] {
  return Object.values(pipe.components)
    .filter((component) => component.residentBytes > 0)
    .map((component) => component.name);
}

async function picture(): Promise<Float32Array> {
  return (await pipe.generate('a cat', TINY)).images.data as Float32Array;
}

function pid(): number | undefined {
  return (pipe.device as ProcessDevice).pid;
}

afterEach(async () => {
  await pipe.dispose();
});

describe.each([
  ['ModelOffloadPlugin', () => new ModelOffloadPlugin()],
  ['SequentialOffloadPlugin', () => new SequentialOffloadPlugin()],
  ['SequentialOffloadPlugin by blocks', () => new SequentialOffloadPlugin({ granularity: 'block', prefetch: 1 })],
])('%s', (_name, create) => {
  test('gives the same picture bit for bit, holds nothing afterwards, and can be removed', async () => {
    await open();
    const before = await picture();
    expect(loaded()).toEqual(['text_encoder', 'unet', 'vae']);
    const plugin = await pipe.use(create());
    expect(loaded()).toEqual([]);
    expect(pid()).toBeUndefined();
    expect(await picture()).toEqual(before);
    expect(loaded()).toEqual([]);
    expect(pid()).toBeUndefined();
    await plugin.remove();
    expect(await picture()).toEqual(before);
    expect(loaded()).toEqual(['text_encoder', 'unet', 'vae']);
  });

  test('frees everything after an error, an abort, and a run that ends in latents', async () => {
    await open();
    await pipe.use(create());
    const boom = pipe.hooks.afterStep.tap('boom', () => {
      throw new Error('boom');
    });
    await expect(picture()).rejects.toMatchObject({ code: 'ERR_PLUGIN_HOOK' });
    expect(loaded()).toEqual([]);
    boom[Symbol.dispose]();
    const controller = new AbortController();
    const tap = pipe.hooks.afterStep.tap('abort', () => controller.abort(new Error('enough')));
    await expect(pipe.generate('a cat', { ...TINY, signal: controller.signal })).rejects.toThrow('enough');
    expect(loaded()).toEqual([]);
    tap[Symbol.dispose]();
    await pipe.generate('a cat', { ...TINY, outputType: 'latent' });
    expect(loaded()).toEqual([]);
  });

  test('works for components that are called outside a run, and after the child died', async () => {
    await open();
    const z = new Tensor('float32', new Float32Array(4 * 16).fill(0.5), [1, 4, 4, 4]);
    const plain = (await pipe.components['vae']!.decode({ z })).sample.data;
    await pipe.use(create());
    expect((await pipe.components['vae']!.decode({ z })).sample.data).toEqual(plain);
    process.kill(pid() as number, 'SIGKILL');
    await expect(pipe.device.usage().then(async () => pipe.components['vae']!.decode({ z }))).rejects.toMatchObject({
      code: 'ERR_DEVICE_CRASHED',
    });
    expect((await pipe.components['vae']!.decode({ z })).sample.data).toEqual(plain);
  });

  test('excludes the other offloading plugin and itself', async () => {
    await open();
    await pipe.use(create());
    for (const other of [new ModelOffloadPlugin(), new SequentialOffloadPlugin()]) {
      await expect(pipe.use(other)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_PLUGIN_(CONFLICT|DUPLICATE)$/),
      });
    }
  });

  test('serves two pipelines', async () => {
    await open();
    const plugin = create();
    await pipe.use(plugin);
    await using second = await createTestPipeline();
    await second.use(plugin);
    const [a, b] = await Promise.all([picture(), second.generate('a cat', TINY)]);
    expect(b.images.data).toEqual(a);
  });
});

describe('ModelOffloadPlugin', () => {
  test('keeps one component at a time, whatever the order of calls', async () => {
    await open();
    await pipe.use(new ModelOffloadPlugin());
    const seen: string[] = [];
    pipe.hooks.afterModelCall.tap('watch', ({ component }) => void seen.push(`${component}: ${loaded().join()}`));
    await pipe.generate('a cat', { ...TINY, previews: true });
    expect(seen).toEqual([
      'text_encoder: text_encoder',
      'text_encoder: text_encoder',
      'vae: vae',
      'unet: unet',
      'unet: unet',
      'vae: vae',
    ]);
  });

  test('takes nothing away from a call that goes on: another one waits', async () => {
    await open();
    const options = { ...TINY, numInferenceSteps: 4 };
    const before = (await pipe.generate('a cat', options)).images.data;
    await pipe.use(new ModelOffloadPlugin());
    const previews: Promise<unknown>[] = [];
    for await (const event of pipe.stream('a cat', options)) {
      if (event.type === 'step') previews.push(pipe.decodeLatents(await event.latents()));
      if (event.type === 'done') expect(event.result.images.data).toEqual(before);
    }
    expect(await Promise.all(previews)).toHaveLength(4);
    const { vae, text_encoder: encoder } = pipe.components;
    const z = new Tensor('float32', new Float32Array(256), [1, 4, 8, 8]);
    const ids = new Tensor('int64', new BigInt64Array(77).fill(1n), [1, 77]);
    const [{ sample }] = await Promise.all([
      vae!.decode({ z }),
      encoder!.call({ input_ids: ids }),
      vae!.unload(),
      encoder!.unload(),
      vae!.load(),
    ]);
    expect(sample.dims).toEqual([1, 3, 64, 64]);
    await vae!.unload();

    // One that waits for a call heeds the signal of its own.
    const abort = new AbortController();
    using busy = pipe.hooks.beforeSegment.tap('busy', async ({ component }) => {
      if (component !== 'vae' || abort.signal.aborted) return;
      const waiting = encoder!.call({ input_ids: ids }, { signal: abort.signal });
      abort.abort(new Error('enough'));
      await expect(waiting).rejects.toThrow('enough');
    });
    void busy;
    expect((await vae!.decode({ z })).sample.data).toEqual(sample.data);
  });

  test('never moves what it is told to keep', async () => {
    await open();
    await pipe.use(new ModelOffloadPlugin({ keep: ['text_encoder'], order: ['text_encoder', 'unet', 'vae'] }));
    await picture();
    expect(loaded()).toEqual(['text_encoder']);
  });

  test('loads the UNet once for all steps', async () => {
    await open();
    await pipe.use(new ModelOffloadPlugin());
    const loads: string[] = [];
    for await (const event of pipe.stream('a cat', TINY)) if (event.type === 'load') loads.push(event.component);
    expect(loads).toEqual(['text_encoder', 'unet', 'vae']);
  });
});

describe('SequentialOffloadPlugin', () => {
  test('has one segment on the device at a time', async () => {
    await open();
    await pipe.use(new SequentialOffloadPlugin());
    const most = new Map<string, number>();
    pipe.hooks.afterSegment.tap({ name: 'watch', before: 'thimble:sequential-offload', stage: 0 }, ({ handle }) => {
      const count = handle.segments.filter((segment) => segment.loaded).length;
      most.set(handle.name, Math.max(count, most.get(handle.name) ?? 0));
    });
    await picture();
    expect([...most]).toEqual([
      ['text_encoder', 1],
      ['unet', 1],
      ['vae', 1],
    ]);
  });

  test('hands out each picture of a batch when it is decoded, not when all are', async () => {
    pipe = await createTestPipeline({ memoryLimit: '192MB' });
    await pipe.use(new SequentialOffloadPlugin());
    const order: string[] = [];
    pipe.hooks.afterModelCall.tap('after', ({ entry }) => void (entry === 'decode' && order.push('after')));
    for await (const event of pipe.stream(['a', 'b'], { ...TINY, outputType: 'image' }))
      if (event.type === 'image') order.push(`image ${event.index}`);
    expect(order.indexOf('image 0')).toBeLessThan(order.indexOf('after'));
    expect(order.filter((what) => what !== 'after')).toContain('image 1');
  });

  test('leaves other components alone when told which ones to treat', async () => {
    await open();
    await pipe.use(new SequentialOffloadPlugin({ components: ['unet'] }));
    await picture();
    expect(loaded()).toEqual(['text_encoder', 'vae']);
  });

  test.each([
    [{ prefetch: -1 }, 'prefetch'],
    [{ granularity: 'layer' as 'block' }, 'granularity'],
    [{ components: 'unet' as unknown as string[] }, 'components'],
  ])('refuses %j', (options, argument) => {
    expect(() => new SequentialOffloadPlugin(options)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
    );
  });
});
