import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { ProcessDevice } from '../../src/device/ProcessDevice.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { Plugin } from '../../src/extension/Plugin.js';
import { SCHEDULERS } from '../../src/extension/tokens.js';
import type { SchedulerConfigInput } from '../../src/schedulers/readSchedulerConfig.js';
import { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import { fixturePath } from '../support/fixturePath.js';

const TINY = { width: 64, height: 64, numInferenceSteps: 3, seed: 1 };
let pipe: DiffusionPipeline;

async function open(inline = false): Promise<DiffusionPipeline> {
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { deviceOptions: { inline } });
  return pipe;
}

function pidOf({ device }: DiffusionPipeline): number {
  if (device instanceof ProcessDevice && device.pid !== undefined) return device.pid;
  throw new Error('no child runs');
}

afterEach(async () => {
  await pipe.dispose();
});

describe('a run', () => {
  test('streams its events, and the same seed gives the same picture', async () => {
    await open();
    const types: string[] = [];
    let data: Uint8Array | undefined;
    for await (const event of pipe.stream('a cat', { ...TINY, previews: true })) {
      types.push(event.type);
      if (event.type === 'preview') expect(event.images[0]).toMatchObject({ width: 8, height: 8, channels: 3 });
      if (event.type === 'done') data = event.result.images[0]?.data;
    }
    expect(types.filter((type) => type === 'step')).toHaveLength(3);
    expect(types.filter((type) => type === 'preview')).toHaveLength(3);
    expect(types.filter((type) => type === 'load').length).toBeGreaterThanOrEqual(3);
    expect(types.at(-1)).toBe('done');
    const again = await pipe.generate('a cat', TINY);
    expect(Buffer.compare(again.images[0]!.data, data as Uint8Array)).toBe(0);
    const other = await pipe.generate('a cat', { ...TINY, seed: 2 });
    expect(Buffer.compare(other.images[0]!.data, data as Uint8Array)).not.toBe(0);
    expect(again.seeds).toEqual([1]);
    expect(again.memory.peak.device?.residentBytes).toBeGreaterThan(0);
    expect(again.timings.steps).toHaveLength(3);
  });

  test('takes seeds per image: an image does not depend on its neighbours', async () => {
    await open(true);
    const both = await pipe.generate('a cat', { ...TINY, numImagesPerPrompt: 2, seed: [5, 6], outputType: 'latent' });
    const alone = await pipe.generate('a cat', { ...TINY, seed: 6, outputType: 'latent' });
    const second = (both.images.data as Float32Array).slice(alone.images.size);
    const worst = second.reduce((most, x, i) => Math.max(most, Math.abs(x - (alone.images.data[i] as number))), 0);
    expect(both.seeds).toEqual([5, 6]);
    expect(worst).toBeLessThan(1e-4);
  });

  test('rejects with the reason when aborted, and leaves the pipeline usable', async () => {
    await open();
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = (async () => {
      for await (const event of pipe.stream('a cat', { ...TINY, signal: controller.signal }))
        if (event.type === 'step') controller.abort(reason);
    })();
    await expect(running).rejects.toBe(reason);
    await expect(pipe.generate('a cat', { ...TINY, signal: controller.signal })).rejects.toBe(reason);
    expect((await pipe.generate('a cat', TINY)).images).toHaveLength(1);
    expect((await pipe.device.usage()).tensors).toBe(0);
  });

  test('ends when its stream is left early', async () => {
    await open(true);
    const ended: unknown[] = [];
    pipe.hooks.afterRun.tap('witness', ({ error }) => {
      ended.push((error as DOMException).name);
    });
    for await (const event of pipe.stream('a cat', TINY)) if (event.type === 'step') break;
    expect(ended).toEqual(['AbortError']);
    await expect(pipe.use({ name: 'test:late', apply: () => undefined })).resolves.toMatchObject({ name: 'test:late' });
  });

  test('survives the death of the child: a typed error, then the next run works', async () => {
    await open();
    const before = await pipe.generate('a cat', TINY);
    const pid = pidOf(pipe);
    const running = (async () => {
      for await (const event of pipe.stream('a cat', TINY))
        if (event.type === 'step' && event.index === 0) process.kill(pid, 'SIGKILL');
    })();
    await expect(running).rejects.toMatchObject({ code: 'ERR_DEVICE_CRASHED' });
    const after = await pipe.generate('a cat', TINY);
    expect(Buffer.compare(after.images[0]!.data, before.images[0]!.data)).toBe(0);
    expect(pidOf(pipe)).not.toBe(pid);
  });

  test('runs of one pipeline take turns; plugins wait outside', async () => {
    await open(true);
    const order: string[] = [];
    const begun = new Promise<void>((resolve) => {
      pipe.hooks.beforeRun.tap('order', ({ id }) => {
        order.push(`begin ${id}`);
        resolve();
      });
    });
    pipe.hooks.afterRun.tap('order', ({ id }) => void order.push(`end ${id}`));
    const first = pipe.generate('a cat', TINY);
    const second = pipe.generate('a dog', TINY);
    await begun;
    await expect(pipe.use({ name: 'test:busy', apply: () => undefined })).rejects.toMatchObject({
      code: 'ERR_PIPELINE_BUSY',
    });
    await Promise.all([first, second]);
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
  });
});

describe('dispose', () => {
  test('ends the child, the handles and a run that is going on', async () => {
    const handles = (): number => readdirSync('/proc/self/fd').length;
    const before = handles();
    await open();
    const running = pipe.generate('a cat', { ...TINY, numInferenceSteps: 200 });
    running.catch(() => undefined);
    while (!(pipe.device as ProcessDevice).pid) await sleep(5);
    const pid = pidOf(pipe);
    await pipe.dispose();
    await expect(running).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    // Pipes are closed a moment later.
    while (handles() > before) await sleep(20);
    await expect(pipe.generate('a cat', TINY)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });
});

describe('plugins in a pipeline', () => {
  test('are installed before loading with the option plugins, so that they can provide a scheduler', async () => {
    let made = 0;
    class CountingScheduler extends DDIMScheduler {
      constructor(config: SchedulerConfigInput) {
        super(config);
        made++;
      }
    }
    const provider: Plugin = {
      name: 'test:provider',
      apply: (ctx) => void ctx.provide(SCHEDULERS, { DDIMScheduler: CountingScheduler, CountingScheduler }),
    };
    pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
      deviceOptions: { inline: true, threads: 1 },
      plugins: [provider],
    });
    expect(made).toBe(1);
    expect(pipe.scheduler).toBeInstanceOf(CountingScheduler);
    pipe.scheduler = pipe.createScheduler('CountingScheduler');
    expect(made).toBe(2);
    await pipe.generate('a cat', TINY);
    await pipe.remove('test:provider');
    expect(() => pipe.createScheduler('CountingScheduler')).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEDULER_UNKNOWN' }),
    );
  });
});

describe('components of another pipeline', () => {
  test('are taken over: they run on the new pipeline, with its hooks', async () => {
    const first = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
      deviceOptions: { inline: true, threads: 1 },
      components: ['unet'],
    });
    pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
      deviceOptions: { inline: true, threads: 1 },
      components: first.components,
    });
    await first.dispose();
    let calls = 0;
    pipe.hooks.beforeModelCall.tap('count', ({ component }) => void (component === 'unet' && calls++));
    expect((await pipe.generate('a cat', TINY)).images).toHaveLength(1);
    expect(calls).toBe(3);
    await expect(
      DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { components: { unet: null } as never }),
    ).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  });
});

describe('embeddings', () => {
  test('stand in for the prompt, and give the same latents', async () => {
    await open(true);
    const { input_ids } = pipe.tokenizer.encode(['a cat', '']);
    const { last_hidden_state: states } = await pipe.components['text_encoder']!.call({ input_ids });
    const half = states!.size / 2;
    const part = (start: number): Tensor =>
      new Tensor('float32', (states!.data as Float32Array).slice(start, start + half), [1, ...states!.dims.slice(1)]);
    const latent = { ...TINY, outputType: 'latent' as const };
    const embedded = await pipe.generate('', { ...latent, promptEmbeds: part(0), negativePromptEmbeds: part(half) });
    const written = await pipe.generate('a cat', latent);
    const worst = (written.images.data as Float32Array).reduce(
      (most, x, i) => Math.max(most, Math.abs(x - (embedded.images.data[i] as number))),
      0,
    );
    expect(worst).toBeLessThan(1e-3);
    await expect(pipe.generate('a cat', { promptEmbeds: part(0) })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'promptEmbeds' },
    });
  });
});
