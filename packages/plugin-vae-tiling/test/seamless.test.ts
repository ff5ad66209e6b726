import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Component, DiffusionPipeline, type PipelineEvent, Tensor } from '@thimble/core';
import { type ProcessDevice } from '@thimble/core/plugin';
import { VaeTilingPlugin } from '../src/index.js';
import { distance, VaeFixture, wave } from './VaeFixture.js';

/** So little that large values are spilled, and there are several strips. */
const TINY = { mode: 'seamless', budget: '256KB' } as const;

let fixture: VaeFixture;
/** What most tests use: each installs a plugin of its own. */
let shared: DiffusionPipeline;
let pipe: DiffusionPipeline;
let vae: Component;

beforeAll(async () => {
  fixture = await VaeFixture.open();
  shared = await fixture.pipeline('kl');
});
beforeEach(() => use(shared));
afterEach(async () => {
  if (pipe !== shared) await pipe.dispose();
  for (const plugin of shared.plugins) await plugin.remove();
});
afterAll(async () => shared.dispose());

function use(opened: DiffusionPipeline): void {
  pipe = opened;
  vae = pipe.components['vae']!;
}

async function open(model: string, inline = true): Promise<void> {
  if (model !== 'kl' || !inline) use(await fixture.pipeline(model, inline));
}

describe('strips give what diffusers computes untiled', () => {
  const plain = VaeFixture.list().filter(({ args }) => args.tiling !== true && args.slicing !== true);

  test('in all cases of the fixture', () => {
    expect(plain.length).toBeGreaterThanOrEqual(6);
  });

  test.each(plain.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    await open(name.split('.')[0]!);
    const whole = await fixture.run(vae, one);
    await pipe.use(new VaeTilingPlugin(TINY));
    expect(await fixture.excess(vae, one)).toBeLessThanOrEqual(1);
    expect(distance(await fixture.run(vae, one), whole)).toBeLessThan(1e-4);
    expect(await pipe.device.usage()).toMatchObject({ tensors: 0 });
  });
});

test('strips and tiles of an AutoencoderTiny, both ways', async () => {
  await open('../taesd/tiny4');
  const [z, x] = [wave([2, 4, 12, 9]), wave([1, 3, 92, 72])];
  const whole = [(await vae.decode({ z })).sample, (await vae.encode({ x })).moments] as const;
  expect(whole.map(({ dims }) => dims)).toEqual([
    [2, 3, 96, 72],
    [1, 4, 12, 9],
  ]);
  await pipe.use(new VaeTilingPlugin(TINY));
  expect(distance((await vae.decode({ z })).sample, whole[0])).toBeLessThan(1e-5);
  expect(distance((await vae.encode({ x })).moments, whole[1])).toBeLessThan(1e-5);
  await pipe.remove('thimble:vae-tiling');
  await pipe.use(new VaeTilingPlugin({ mode: 'blend', tileSampleMinSize: 64 }));
  expect((await vae.decode({ z })).sample.dims).toEqual(whole[0].dims);
});

test.each([
  [1, 1],
  [1, 2],
  [2, 1],
  [3, 3],
  [1, 19],
  [19, 1],
  [13, 17],
  [31, 5],
])('latents of %d×%d', async (height, width) => {
  const z = wave([1, 4, height, width]);
  const { sample } = await vae.decode({ z });
  await pipe.use(new VaeTilingPlugin(TINY));
  expect(distance((await vae.decode({ z })).sample, sample)).toBeLessThan(1e-4);
});

test.each([
  [8, 8],
  [8, 24],
  [24, 8],
  [104, 40],
])('pictures of %d×%d, encoded', async (height, width) => {
  const x = wave([1, 3, height, width]);
  const { moments } = await vae.encode({ x });
  await pipe.use(new VaeTilingPlugin(TINY));
  expect(distance((await vae.encode({ x })).moments, moments)).toBeLessThan(1e-4);
});

test('a batch, picture by picture, rows from the top, each row once', async () => {
  const z = wave([2, 4, 20, 11]);
  const { sample } = await vae.decode({ z });
  await pipe.use(new VaeTilingPlugin(TINY));
  expect(distance((await vae.decode({ z })).sample, sample)).toBeLessThan(1e-4);
  const seen: [index: number, top: number, end: number][] = [];
  await vae.decodeRows({ z }, ({ index, top, rows }) => void seen.push([index, top, top + (rows.dims[2] as number)]));
  expect(seen.length).toBeGreaterThan(4);
  for (const [i, [index, top]] of seen.entries()) expect(top).toBe(seen[i - 1]?.[0] === index ? seen[i - 1]![2] : 0);
  expect(seen.at(-1)![2]).toBe(sample.dims[2]);
});

test('float16 in the temporary file is near', async () => {
  const one = fixture.named('kl.plain.25x33');
  const whole = await fixture.run(vae, one);
  await pipe.use(new VaeTilingPlugin({ ...TINY, spillDtype: 'float16' }));
  const off = distance(await fixture.run(vae, one), whole);
  expect(off).toBeGreaterThan(0);
  expect(off).toBeLessThan(0.02);
});

test('NaN comes out where it goes in, and images are refused by name', async () => {
  await pipe.use(new VaeTilingPlugin(TINY));
  const z = wave([1, 4, 6, 6]);
  (z.data as Float32Array)[5] = NaN;
  expect(Number.isNaN((await vae.decode({ z })).sample.data[0])).toBe(true);
});

test('refuses a batch of none', async () => {
  await pipe.use(new VaeTilingPlugin(TINY));
  await expect(vae.decode({ z: new Tensor('float32', new Float32Array(), [0, 4, 6, 6]) })).rejects.toMatchObject({
    code: 'ERR_INPUT_INVALID',
  });
});

describe('temporary files', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thimble-spill-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test('have no name while they are there, and are gone after an abort', async () => {
    use(await fixture.pipeline('kl'));
    await pipe.use(new VaeTilingPlugin({ ...TINY, tempDir: folder }));
    const controller = new AbortController();
    const decoding = vae.decodeRows(
      { z: wave([1, 4, 25, 33]) },
      () => {
        expect(readdirSync(folder)).toEqual([]);
        controller.abort(new Error('enough'));
      },
      { signal: controller.signal },
    );
    await expect(decoding).rejects.toThrow('enough');
    expect(await pipe.device.usage()).toMatchObject({ sessions: 0, tensors: 0 });
    expect(await fixture.excess(vae, fixture.named('kl.plain.25x33'))).toBeLessThanOrEqual(1);
  });

  test('are gone after a crash of the child, and the next decoding works', async () => {
    await open('kl', false);
    await pipe.use(new VaeTilingPlugin({ ...TINY, tempDir: folder }));
    const decoding = vae.decodeRows(
      { z: wave([1, 4, 25, 33]) },
      () => void process.kill((pipe.device as ProcessDevice).pid as number, 'SIGKILL'),
    );
    await expect(decoding).rejects.toMatchObject({ code: 'ERR_DEVICE_CRASHED' });
    expect(readdirSync(folder)).toEqual([]);
    expect(await fixture.excess(vae, fixture.named('kl.plain.25x33'))).toBeLessThanOrEqual(1);
  });

  test('are refused where there is no folder', async () => {
    await pipe.use(new VaeTilingPlugin({ ...TINY, tempDir: join(folder, 'missing') }));
    await expect(vae.decode({ z: wave([1, 4, 25, 33]) })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'tempDir' },
    });
  });

  (existsSync('/dev/shm') ? test : test.skip)('are refused in memory', async () => {
    await pipe.use(new VaeTilingPlugin({ ...TINY, tempDir: '/dev/shm' }));
    await expect(vae.decode({ z: wave([1, 4, 25, 33]) })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'tempDir' },
    });
  });
});

test('tells how far it has come, and hands the picture on', async () => {
  pipe = await DiffusionPipeline.fromPretrained(new URL('../../core/test/fixtures/sd-tiny', import.meta.url).pathname, {
    deviceOptions: { inline: true, threads: 1 },
    plugins: [new VaeTilingPlugin(TINY)],
  });
  const events: PipelineEvent[] = [];
  for await (const event of pipe.stream('a fox', { numInferenceSteps: 1, numImagesPerPrompt: 2, seed: [1, 2] }))
    events.push(event);
  const progress = events.filter((event) => event.type === 'progress');
  expect(progress.length).toBeGreaterThan(20);
  expect(progress.at(-1)).toMatchObject({ task: 'decode', done: progress.at(-1)!.total });
  const images = events.filter((event) => event.type === 'image');
  expect(images.map(({ index, seed }) => [index, seed])).toEqual([
    [0, 1],
    [1, 2],
  ]);
  expect(events.indexOf(images[0]!)).toBeLessThan(events.lastIndexOf(progress.at(-1)!));
});
