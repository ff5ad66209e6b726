import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { fixturePath } from '../support/fixturePath.js';

const TINY = { width: 64, height: 64, numInferenceSteps: 3, seed: 1, outputType: 'latent' } as const;
let pipe: DiffusionPipeline;

beforeEach(async () => {
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
    deviceOptions: { inline: true, threads: 1 },
  });
});

afterEach(async () => {
  await pipe.dispose();
});

describe('two pipelines that have one scheduler object', () => {
  async function together(scheduler: DiffusionPipeline['scheduler']): Promise<PromiseSettledResult<unknown>[]> {
    await using other = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
      deviceOptions: { inline: true, threads: 1 },
    });
    const latents = async (each: DiffusionPipeline, numInferenceSteps: number): Promise<unknown> =>
      (await each.generate('a cat', { ...TINY, numInferenceSteps })).images.data;
    const alone = [await latents(pipe, 3), await latents(other, 5)];
    pipe.scheduler = scheduler;
    other.scheduler = scheduler;
    const runs = await Promise.allSettled([latents(pipe, 3), latents(other, 5)]);
    expect(runs[0]).toEqual({ status: 'fulfilled', value: alone[0] });
    expect([pipe.scheduler, other.scheduler]).toEqual([scheduler, scheduler]);
    expect(await latents(other, 5)).toEqual(alone[1]);
    return [...runs, { status: 'fulfilled', value: alone[1] }];
  }

  test('give the pictures of each alone', async () => {
    const [, second, alone] = await together(pipe.scheduler);
    expect(second).toEqual(alone);
  });

  test('refuse the later run where the scheduler cannot be copied', async () => {
    const inner = pipe.scheduler;
    const methods = ['setTimesteps', 'scaleModelInput', 'step', 'addNoise'] as const;
    const uncopyable = Object.defineProperties(
      Object.fromEntries(methods.map((name) => [name, (inner[name] as () => unknown).bind(inner)])),
      Object.fromEntries(
        (['config', 'ignoredConfig', 'timesteps', 'order', 'initNoiseSigma'] as const).map((name) => [
          name,
          { get: () => inner[name] },
        ]),
      ),
    ) as unknown as typeof inner;
    const [, second] = await together(uncopyable);
    expect(second).toMatchObject({
      status: 'rejected',
      reason: { code: 'ERR_PIPELINE_BUSY', message: expect.stringContaining('same scheduler') },
    });
  });
});

describe('a run that begins while another one goes on', () => {
  test('does not change its timesteps', async () => {
    const alone = (await pipe.generate('a cat', TINY)).images;
    let other: Promise<unknown> | undefined;
    let overlapped: Tensor | undefined;
    for await (const event of pipe.stream('a cat', TINY)) {
      if (event.type === 'step') other ??= pipe.generate('a dog', { ...TINY, numInferenceSteps: 2 });
      if (event.type === 'done') overlapped = event.result.images;
    }
    await other;
    expect(overlapped?.data).toEqual(alone.data);
  });

  test('rejects at once when it is aborted before its turn', async () => {
    const first = pipe.stream('a cat', TINY);
    await first.next();
    const controller = new AbortController();
    const waiting = pipe.generate('a dog', { ...TINY, signal: controller.signal });
    const reason = new Error('changed my mind');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await first.return();
    await expect(pipe.generate('a dog', TINY)).resolves.toMatchObject({ seeds: [1] });
  });

  test('may begin when the other one has told its result', async () => {
    let types: string[] = [];
    for await (const { type } of pipe.stream('a cat', TINY)) {
      if (type === 'done') types = Object.keys(await pipe.generate('a dog', TINY));
    }
    expect(types).toContain('seeds');
  });
});

describe('dispose', () => {
  test('may be called by the reader of a stream, whose next event is an error', async () => {
    const steps: number[] = [];
    const reading = (async () => {
      for await (const event of pipe.stream('a cat', TINY)) {
        if (event.type !== 'step') continue;
        steps.push(event.index);
        await pipe.dispose();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(steps).toEqual([0]);
  });

  test('does not wait for a reader that never comes back', async () => {
    const ended: unknown[] = [];
    pipe.hooks.afterRun.tap('witness', ({ error }) => void ended.push(error));
    const stream = pipe.stream('a cat', TINY);
    await stream.next();
    await pipe.dispose();
    expect(ended).toHaveLength(1);
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('after the result is no error', async () => {
    let seeds: readonly number[] = [];
    for await (const event of pipe.stream('a cat', TINY)) {
      if (event.type !== 'done') continue;
      ({ seeds } = event.result);
      await pipe.dispose();
    }
    expect(seeds).toEqual([1]);
  });
});

test('a segment that is loaded twice at once has one session', async () => {
  const segment = pipe.components['unet']!.segments[0]!;
  await Promise.all([segment.load(), segment.load()]);
  expect(await pipe.device.usage()).toMatchObject({ sessions: 1 });
  await Promise.all([segment.unload(), segment.load(), segment.unload()]);
  expect(await pipe.device.usage()).toMatchObject({ sessions: segment.loaded ? 1 : 0 });
});

test('a second pipeline gives the promises of the process no more to carry', async () => {
  const run = jest.spyOn(AsyncLocalStorage.prototype, 'run');
  try {
    await use(pipe);
    const stores = new Set(run.mock.contexts).size;
    expect(stores).toBeGreaterThan(0);
    await using second = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
      deviceOptions: { inline: true, threads: 1 },
    });
    await use(second);
    expect(new Set(run.mock.contexts).size).toBe(stores);
  } finally {
    run.mockRestore();
  }
});

/** What keeps something about the code that runs: a change of plugins, and a call of a component. */
async function use(of: DiffusionPipeline): Promise<void> {
  await of.use({ name: 'test:none', apply: () => undefined });
  await of.components['text_encoder']!.call({ input_ids: of.tokenizer.encode(['a cat']).input_ids });
}
