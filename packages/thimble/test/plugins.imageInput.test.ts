import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { AutoencoderTiny, type DiffusionPipeline, Image } from '@thimble/core';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';
import { distance, pluginKinds } from './support/PluginKind.js';
import { rememberSessions } from './support/rememberSessions.js';
import { temporaryFolder } from './support/temporaryFolder.js';

// Every plugin alone on runs that begin with pictures, with the checkpoint's VAE and with a tiny one in its place.
jest.setTimeout(120_000);

const TAESD = fileURLToPath(new URL('../../core/test/fixtures/taesd/tiny4', import.meta.url));
const folder = temporaryFolder();
const KINDS = pluginKinds(folder);

const [width, height] = [64, 48];
const picture = (seed: number): Image =>
  new Image({ width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * seed) % 251) });
const maskImage = new Image({
  width,
  height,
  channels: 1,
  data: Uint8Array.from({ length: width * height }, (_, i) => (i % width < 32 ? 255 : 0)),
});

describe.each([
  ['its own VAE', async () => ({}), 'rgb'],
  ['a tiny VAE', async () => ({ components: { vae: await AutoencoderTiny.fromPretrained(TAESD) } }), 'tiny'],
] as const)('with %s', (_vae, options, previews) => {
  let pipe: DiffusionPipeline;
  let before: readonly Float32Array[];

  beforeAll(async () => {
    rememberSessions();
    process.env['THIMBLE_CACHE'] = `${folder}/cache`;
    pipe = await createTestPipeline({ device: 'inline', ...(await options()) });
    before = await runs();
  });
  afterAll(async () => {
    await pipe.dispose();
    jest.restoreAllMocks();
    delete process.env['THIMBLE_CACHE'];
  });

  /** What is made, and previewed, from two pictures, and from two pictures with a mask. */
  async function runs(): Promise<readonly Float32Array[]> {
    const settings = { image: [picture(3), picture(7)], numInferenceSteps: 2, strength: 0.5, seed: [1, 2], previews };
    const made: Float32Array[] = [];
    for (const more of [{}, { maskImage }])
      for await (const event of pipe.stream(['a', 'b'], { ...settings, ...more, outputType: 'tensor' })) {
        if (event.type === 'preview')
          made.push(...event.images.map(({ data }) => Float32Array.from(data, (x) => x / 255)));
        if (event.type === 'done') made.push(event.result.images.data as Float32Array);
      }
    return made;
  }

  test.each(Object.keys(KINDS))('%s, and nothing of it once it is removed', async (name) => {
    const { create, tolerance } = KINDS[name]!;
    let encoded = 0;
    using tap = pipe.hooks.afterEncode.tap('test:encoded', () => void encoded++);
    const plugin = await pipe.use(create());
    try {
      // A preview is rounded to bytes.
      const most = tolerance + 1 / 255;
      for (const [i, made] of (await runs()).entries()) expect(distance(made, before[i]!)).toBeLessThanOrEqual(most);
    } finally {
      await plugin.remove();
      tap[Symbol.dispose]();
    }
    expect(encoded).toBe(2);
    expect(await runs()).toEqual(before);
    expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
  });

  test('blended tiles encode by tiles, and leave nothing', async () => {
    const calls: number[][] = [];
    using tap = pipe.hooks.beforeEncode.tap('test:tiles', ({ wrap }) => {
      wrap((next) => async (x) => {
        calls.push([...x.dims]);
        return next(x);
      });
    });
    const handle = await pipe.use(new VaeTilingPlugin({ mode: 'blend', tileSampleMinSize: 32 }));
    await runs();
    await handle.remove();
    tap[Symbol.dispose]();
    expect(await runs()).toEqual(before);
    expect(calls.length).toBeGreaterThan(0);
  });
});
