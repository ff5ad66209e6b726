import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Component, DiffusionPipeline, Tensor } from '@thimble/core';
import { planSeamless, type SeamlessPlan } from '@thimble/core/plugin';
import { chooseMode } from '../src/chooseMode.js';
import { VaeTilingPlugin, type VaeTilingOptions } from '../src/index.js';
import { distance, VaeFixture, wave } from './VaeFixture.js';

let pipe: DiffusionPipeline;
let vae: Component;

beforeEach(async () => {
  pipe = await (await VaeFixture.open()).pipeline('kl');
  vae = pipe.components['vae']!;
});
afterEach(async () => {
  await pipe.dispose();
});

/** What reaches the model itself, if anything does. */
async function reaching(options: VaeTilingOptions, z: Tensor): Promise<string[]> {
  const seen: string[] = [];
  using tap = pipe.hooks.beforeDecode.tap({ name: 'watch', stage: 1 }, ({ wrap }) =>
    wrap((next) => async (part) => {
      seen.push(part.dims.join('x'));
      return next(part);
    }),
  );
  const handle = await pipe.use(new VaeTilingPlugin(options));
  void tap;
  await vae.decode({ z });
  await handle.remove();
  return seen;
}

test('what fits the budget is computed whole, a batch too', async () => {
  expect(await reaching({ budget: '1GB' }, wave([2, 4, 16, 16]))).toEqual(['2x4x16x16']);
  expect(await reaching({}, wave([1, 4, 16, 16]))).toEqual(['1x4x16x16']);
});

test('a batch that does not fit goes picture by picture', async () => {
  expect(await reaching({ budget: '1.5MB' }, wave([2, 4, 16, 16]))).toEqual(['1x4x16x16', '1x4x16x16']);
});

test('a picture that does not fit is computed in strips, with the same result', async () => {
  const z = wave([1, 4, 16, 16]);
  const { sample } = await vae.decode({ z });
  expect(await reaching({ budget: '512KB' }, z)).toEqual([]);
  await pipe.use(new VaeTilingPlugin({ budget: '512KB' }));
  expect(distance((await vae.decode({ z })).sample, sample)).toBeLessThan(1e-4);
});

test('shared statistics where the disk would cost too much, or has no room; blended tiles for models that cannot be cut', async () => {
  const z = wave([1, 4, 16, 16]);
  const options = {
    component: vae,
    entry: 'decode',
    input: 'z',
    budget: 2 ** 16,
    spillType: 'float32',
    tempDir: undefined,
    signal: undefined,
    progress: () => undefined,
  } as const;
  const plan = await planSeamless(z, options);
  const spilling = (strips: Partial<SeamlessPlan['strips']>): SeamlessPlan => ({
    ...plan,
    strips: { ...plan.strips, ...strips },
  });
  const choose = (given: SeamlessPlan | undefined): Promise<string> =>
    chooseMode({ plan: given, pixels: 2 ** 20, tempDir: undefined });
  expect(await choose(spilling({ diskBytes: 1, trafficBytes: 1 }))).toBe('seamless');
  expect(await choose(spilling({ diskBytes: 0, trafficBytes: 0 }))).toBe('seamless');
  expect(await choose(spilling({ diskBytes: 1, trafficBytes: 1e15 }))).toBe('shared');
  expect(await choose(spilling({ diskBytes: 1e18, trafficBytes: 1 }))).toBe('shared');
  expect(await choose(undefined)).toBe('blend');
  await expect(chooseMode({ plan: spilling({ diskBytes: 1e18 }), pixels: 1, tempDir: '.' })).rejects.toMatchObject({
    code: 'ERR_DISK_FULL',
  });
});

test.each([
  [{ mode: 'fast' as 'auto' }, 'mode'],
  [{ budget: '0MB' }, 'budget'],
  [{ budget: -1 }, 'budget'],
  [{ tempDir: 7 as unknown as string }, 'tempDir'],
  [{ spillDtype: 'int8' as 'float16' }, 'spillDtype'],
  [{ mode: 'seamless' as const, tileSampleMinSize: 64 }, 'tileSampleMinSize'],
])('refuses %j', (options, argument) => {
  expect(() => new VaeTilingPlugin(options)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
  );
});
