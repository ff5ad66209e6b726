import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ADDED_CALLS, type AddedCall } from '@thimble/core/plugin';
import { createTestPipeline, runPluginConformance, testCheckpoint, testRun } from '@thimble/plugin-testkit';
import { ModelOffloadPlugin } from '@thimble/plugin-offload';
import { StepCachePlugin } from '@thimble/plugin-step-cache';
import { type Alternative, MemoryPlanner, MemoryPlannerPlugin } from '../src/index.js';

/** So slow that techniques tell, but for int8, which the fake device knows nothing of. */
const MACHINE = { float32: 1e6, int8: 1e3, read: 1e6 };
const RUN = { ...testRun, numInferenceSteps: 8 };

const names = (pipe: Awaited<ReturnType<typeof createTestPipeline>>): string[] => pipe.plugins.map(({ name }) => name);

test('installs what each run needs before it begins, plans again for another size, and goes without a trace', async () => {
  await using pipe = await createTestPipeline({ device: 'fake', memoryLimit: '256MB' });
  const planner = await pipe.use(new MemoryPlannerPlugin({ machine: MACHINE, quality: 'lossy' }));
  expect(names(pipe)).toEqual(['thimble:memory-planner']);
  const told: string[] = [];
  const run = async (options: object): Promise<void> => {
    for await (const event of pipe.stream('x', { ...RUN, ...options }))
      // What this process takes in all is jest's.
      if (event.type === 'warning' && event.code === 'WARN_MEMORY_PLAN') told.push(event.message);
  };
  await run({});
  expect(names(pipe)).toEqual(['thimble:memory-planner', 'thimble:step-cache']);
  expect(told).toEqual([
    expect.stringMatching(/^a picture of 64×64, 8 steps within 256 MB: steps cached; takes about/),
  ]);
  await run({});
  expect(told).toHaveLength(1);
  await run({ width: 128, height: 64 });
  expect(told[1]).toContain('128×64');
  await planner.remove();
  expect(names(pipe)).toEqual([]);
});

test("the user's plugins stay, and go before its own", async () => {
  await using pipe = await createTestPipeline({ device: 'fake', memoryLimit: '256MB' });
  await pipe.use(new MemoryPlannerPlugin({ machine: MACHINE, quality: 'lossy' }));
  await pipe.generate('x', RUN);
  expect(names(pipe)).toEqual(['thimble:memory-planner', 'thimble:step-cache']);
  const own = new StepCachePlugin({ interval: 2 });
  await pipe.use(own);
  await pipe.use(new ModelOffloadPlugin());
  await pipe.generate('x', RUN);
  expect(pipe.plugins.find(({ name }) => name === own.name)?.plugin).toBe(own);
  expect(names(pipe)).toEqual(['thimble:memory-planner', 'thimble:step-cache', 'thimble:model-offload']);
});

test('a size that the limit has no room for is refused before anything runs, with the size that fits; the next run is planned', async () => {
  await using pipe = await createTestPipeline({ device: 'fake', memoryLimit: '100MB' });
  await pipe.use(new MemoryPlannerPlugin({ machine: MACHINE }));
  const large = { ...testRun, numInferenceSteps: 1, width: 4096, height: 4096 };
  await expect(pipe.generate('x', large)).rejects.toMatchObject({
    code: 'ERR_MEMORY_LIMIT',
    message: expect.stringMatching(/least that would do is .*; the largest of this shape that fits is \d+×\d+/),
  });
  await pipe.generate('x', { ...testRun, numInferenceSteps: 1 });
});

test('does nothing without a limit, and takes no quality that is none', async () => {
  await using pipe = await createTestPipeline({ device: 'fake', memoryLimit: 'none' });
  await pipe.use(new MemoryPlannerPlugin());
  await pipe.generate('x', { ...testRun, numInferenceSteps: 1 });
  expect(names(pipe)).toEqual(['thimble:memory-planner']);
  expect(() => new MemoryPlannerPlugin({ quality: 'good' as never })).toThrow(/"exact", "near", "lossy"/);
});

describe('a model that a plugin calls before each call of the UNet', () => {
  const feeds = ['down_block_additional_residuals.0', 'mid_block_additional_residual'];
  const run = { width: 256, height: 256, frames: 1, count: 1, steps: 4, guided: true };

  test('counts, with what it feeds the UNet', async () => {
    await using pipe = await createTestPipeline({ device: 'fake' });
    let added: readonly AddedCall[] = [];
    await pipe.use({
      name: 'example:second',
      async apply({ pipeline, provide, getAll }) {
        await pipeline.open('second', join(testCheckpoint, 'unet'));
        provide(ADDED_CALLS, { component: 'second', entry: 'call', before: 'unet', feeds });
        added = getAll(ADDED_CALLS);
      },
    });
    const { components } = pipe;
    const best = async (calls: readonly AddedCall[]): Promise<Alternative> =>
      (await new MemoryPlanner({ components, run, speed: MACHINE, added: calls }).best(undefined, 'exact'))!;
    const [alone, beside, fed] = [await best([]), await best([{ ...added[0]!, feeds: [] }]), await best(added)];
    // Another UNet takes as long as the first.
    expect(beside.seconds).toBeGreaterThan(1.5 * alone.seconds);
    expect(beside.peakBytes).toBeGreaterThan(alone.peakBytes);
    expect(fed.peakBytes).toBeGreaterThan(beside.peakBytes);
  });

  test('is planned for when it comes and goes', async () => {
    await using pipe = await createTestPipeline({ device: 'fake', memoryLimit: '256MB' });
    await pipe.use(new MemoryPlannerPlugin({ machine: MACHINE }));
    const told: string[] = [];
    const seconds = async (): Promise<number> => {
      for await (const event of pipe.stream('x', RUN))
        if (event.type === 'warning' && event.code === 'WARN_MEMORY_PLAN') told.push(event.message);
      const [, count, unit] = /and ([\d.]+) (s|min)\.$/.exec(told.at(-1) ?? '') ?? [];
      return Number(count) * (unit === 's' ? 1 : 60);
    };
    const alone = await seconds();
    const handle = await pipe.use({
      name: 'example:second',
      async apply({ pipeline, provide }) {
        await pipeline.open('second', join(testCheckpoint, 'unet'));
        provide(ADDED_CALLS, { component: 'second', entry: 'call', before: 'unet' });
      },
    });
    expect(await seconds()).toBeGreaterThan(1.5 * alone);
    await handle.remove();
    expect(await seconds()).toBe(alone);
    expect(told).toHaveLength(3);
  });
});

runPluginConformance(() => new MemoryPlannerPlugin({ machine: MACHINE }), { device: 'fake', describe, test });
