import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import type { Image } from '../../src/images/Image.js';
import { imagesFromSample } from '../../src/images/imagesFromSample.js';
import { AutoencoderTiny } from '../../src/models/AutoencoderTiny.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { fixturePath } from '../support/fixturePath.js';

const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const SMALL = { width: 32, height: 24, numInferenceSteps: 2, guidanceScale: 1, seed: [1, 2], numImagesPerPrompt: 2 };

let pipe: DiffusionPipeline;
beforeAll(async () => {
  const preview_vae = await AutoencoderTiny.fromPretrained(fixturePath('taesd/tiny4'));
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
    ...INLINE,
    components: { preview_vae },
    scheduler: 'euler',
  });
});
afterAll(async () => {
  await pipe.dispose();
});

async function run(
  options: GenerateOptions<'image'>,
  by: DiffusionPipeline = pipe,
): Promise<{ previews: (readonly Image[])[]; latents: Tensor; last: Image[] }> {
  const previews: (readonly Image[])[] = [];
  let latents: Tensor | undefined;
  for await (const event of by.stream('a hut', { ...SMALL, ...options })) {
    if (event.type === 'preview') previews.push(event.images);
    if (event.type === 'step') latents = await event.latents();
    if (event.type === 'done') return { previews, latents: latents!, last: event.result.images };
  }
  throw new Error('no end');
}

/** The largest difference of two pictures' bytes. */
const apart = (a: Image, b: Image): number => Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!)));

test('previews of the size of the picture are what the small VAE makes of the latents', async () => {
  const { previews, latents, last } = await run({ previews: 'tiny' });
  expect(previews.map((images) => images.map(({ width, height }) => [width, height]))).toEqual([
    [
      [32, 24],
      [32, 24],
    ],
    [
      [32, 24],
      [32, 24],
    ],
  ]);
  // Euler's last step leaves what it takes for the picture. TAESD takes latents as the denoiser has them.
  const { sample } = await pipe.components['preview_vae']!.decode({ z: latents });
  for (const [i, image] of imagesFromSample(sample).entries())
    expect(apart(image, previews[1]![i]!)).toBeLessThanOrEqual(1);
  expect(apart(previews[1]![0]!, previews[1]![1]!)).toBeGreaterThan(8);
  const plain = await run({ previews: 'rgb' });
  expect(plain.previews[0]![0]).toMatchObject({ width: 4, height: 3 });
  expect(last.map(({ data }) => data)).toEqual(plain.last.map(({ data }) => data));
});

test("the checkpoint's own VAE will do, if it is a small one", async () => {
  const vae = await AutoencoderTiny.fromPretrained(fixturePath('taesd/tiny4'));
  await using own = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { ...INLINE, components: { vae } });
  own.scheduler = own.createScheduler('euler');
  const { previews, last } = await run({ previews: 'tiny' }, own);
  expect(apart(last[0]!, previews[1]![0]!)).toBeLessThanOrEqual(1);
});

test('is refused without such a VAE, or with one for other latents', async () => {
  const options = { ...SMALL, previews: 'tiny' } as const;
  await using plain = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), INLINE);
  await expect(plain.generate('x', options)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT_INVALID',
    message: expect.stringContaining('preview_vae'),
  });
  const preview_vae = await AutoencoderTiny.fromPretrained(fixturePath('taesd/tiny16'));
  const components = { preview_vae };
  await using other = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { ...INLINE, components });
  await expect(other.generate('x', options)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT_INVALID',
    message: expect.stringContaining('for 16'),
  });
});
