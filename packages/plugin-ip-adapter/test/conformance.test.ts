import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type GenerateOptions, Image } from '@thimble/core';
import { createTestPipeline, runPluginConformance, testRun } from '@thimble/plugin-testkit';
import { IPAdapterPlugin } from '../src/index.js';
import { type AdapterShapes, testAdapterShapes, writeTestAdapter } from './writeTestAdapter.mjs';

const folder = mkdtempSync(join(tmpdir(), 'thimble-ip-adapter-test-'));
const model = join(folder, 'ip-adapter.safetensors');
beforeAll(async () => void (await writeTestAdapter(folder)));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ipAdapterImage = new Image({
  width: 20,
  height: 24,
  data: Uint8Array.from({ length: 1440 }, (_, i) => (i * 7) % 256),
});

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new IPAdapterPlugin({ model, image: ipAdapterImage }), {
  device: 'fake',
  tolerance: 1,
  describe,
  test,
});

describe('on the test pipeline', () => {
  const image = { ...testRun, ipAdapterImage } as GenerateOptions<'tensor'>;

  test('a picture changes the result, in the measure of its scale; without one, and at 0, it is the plain one', async () => {
    await using pipe = await createTestPipeline({ device: 'inline' });
    const plain = (await pipe.generate('a cat', testRun)).images.data as Float32Array;
    const handle = await pipe.use(new IPAdapterPlugin({ model, scale: 0.8 }));
    const of = async (options: object): Promise<Float32Array> =>
      (await pipe.generate('a cat', { ...testRun, ...options })).images.data as Float32Array;
    const distance = (a: Float32Array, b: Float32Array): number =>
      a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);
    expect(await of({})).toEqual(plain);
    const [none, half, whole] = [
      await of({ ipAdapterImage, ipAdapterScale: 0 }),
      await of({ ipAdapterImage, ipAdapterScale: 0.4 }),
      await of({ ipAdapterImage }),
    ];
    expect(distance(none, plain)).toBeLessThan(1e-6);
    expect(distance(half, plain)).toBeGreaterThan(1e-3);
    expect(distance(whole, plain)).toBeGreaterThan(distance(half, plain));
    // As many pictures as are wanted; without guidance there is no half for the negative prompt.
    const two = (
      await pipe.generate(['a cat', 'the'], { ...image, guidanceScale: 1, numImagesPerPrompt: 2, seed: [1, 2, 3, 4] })
    ).images;
    expect(two.dims[0]).toBe(4);
    await handle.remove();
    expect((await pipe.generate('a cat', testRun)).images.data).toEqual(plain);
    expect(Object.keys(pipe.components).sort()).toEqual(['text_encoder', 'unet', 'vae']);
  });

  test.each<[string, (shapes: AdapterShapes) => AdapterShapes, string, string]>([
    ['no adapter', () => ({ 'a.weight': [2, 2] }), 'ERR_IP_ADAPTER_FILE', 'no tensors called ip_adapter.N'],
    ['FaceID', (shapes) => ({ ...shapes, 'image_proj.proj.0.weight': [4, 4] }), 'ERR_IP_ADAPTER_FILE', 'FaceID'],
    ['full face', (shapes) => ({ ...shapes, 'image_proj.proj.3.weight': [4] }), 'ERR_IP_ADAPTER_FILE', 'full face'],
    [
      'without a projection',
      ({ 'image_proj.norm.weight': _, ...shapes }) => shapes,
      'ERR_IP_ADAPTER_FILE',
      'image_proj.norm.weight',
    ],
    [
      'without values',
      ({ 'ip_adapter.1.to_v_ip.weight': _, ...shapes }) => shapes,
      'ERR_IP_ADAPTER_FILE',
      'ip_adapter.1.to_v_ip.weight',
    ],
    [
      'another encoder',
      (shapes) => ({ ...shapes, 'image_proj.proj.weight': [64, 20] }),
      'ERR_IP_ADAPTER_ENCODER',
      '20 channels',
    ],
  ])('%s is refused', async (_, change, code, words) => {
    const file = await writeTestAdapter(mkdtempSync(join(folder, 'other-')), change(testAdapterShapes()));
    await using pipe = await createTestPipeline({ device: 'fake' });
    await expect(pipe.use(new IPAdapterPlugin({ model: file }))).rejects.toMatchObject({
      cause: { code, message: expect.stringContaining(words) },
    });
    expect(Object.keys(pipe.components).sort()).toEqual(['text_encoder', 'unet', 'vae']);
  });

  test.each<[string, (shapes: AdapterShapes) => AdapterShapes, string]>([
    [
      'more layers',
      (shapes) => ({ ...shapes, 'ip_adapter.99.to_k_ip.weight': [2, 2], 'ip_adapter.99.to_v_ip.weight': [2, 2] }),
      'layers',
    ],
    ['wider ones', (shapes) => ({ ...shapes, 'ip_adapter.1.to_k_ip.weight': [2, 2] }), '[2, 2]'],
  ])('an adapter with %s is for another UNet', async (_, change, words) => {
    const file = await writeTestAdapter(mkdtempSync(join(folder, 'other-')), change(testAdapterShapes()));
    await using pipe = await createTestPipeline({ device: 'fake', plugins: [new IPAdapterPlugin({ model: file })] });
    await pipe.generate('a cat', testRun);
    await expect(pipe.generate('a cat', image)).rejects.toMatchObject({
      code: 'ERR_IP_ADAPTER_UNET',
      message: expect.stringContaining(words),
    });
  });

  test('what cannot be is refused before anything is computed', async () => {
    await using pipe = await createTestPipeline({ device: 'fake', plugins: [new IPAdapterPlugin({ model })] });
    const refused = async (options: object, argument: string): Promise<void> => {
      const run = pipe.generate('a cat', { ...testRun, ...options });
      await expect(run).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', details: { argument } });
    };
    await refused({ ipAdapterImage: 5 }, 'ipAdapterImage');
    await refused({ ipAdapterScale: 'much' }, 'ipAdapterScale');
    await expect(pipe.use(new IPAdapterPlugin({ model: folder }))).rejects.toMatchObject({
      code: 'ERR_PLUGIN_DUPLICATE',
    });
    expect(() => new IPAdapterPlugin({} as { model: string })).toThrow(/model/);
  });
});
