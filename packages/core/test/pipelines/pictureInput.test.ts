import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { Image } from '../../src/images/Image.js';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { StableDiffusionPipeline } from '../../src/pipelines/StableDiffusionPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import type { WarningEvent } from '../../src/run/PipelineEvent.js';
import { fixturePath } from '../support/fixturePath.js';
import { pattern } from '../support/pattern.js';

const DEVICE = { deviceOptions: { inline: true, threads: 1 } };
const FEW = { numInferenceSteps: 2, guidanceScale: 1, seed: 1, outputType: 'latent' as const };
let pipe: DiffusionPipeline;
/** With a UNet of 9 channels. */
let fillsIn: DiffusionPipeline;

beforeAll(async () => {
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), DEVICE);
  const unet = await UNet2DConditionModel.fromPretrained(fixturePath('inpaint-more/unet'));
  fillsIn = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { ...DEVICE, components: { unet } });
});
afterAll(async () => {
  await pipe.dispose();
  await fillsIn.dispose();
});

const grey = (level: number): Image =>
  new Image({ width: 32, height: 24, channels: 1, data: new Uint8Array(768).fill(level) });
const full = (value: number, dims: readonly number[]): Tensor =>
  new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value), dims);
/** What looks like an image, and none that its constructor would make. */
const bare = (width: number, height: number, channels: number): Image =>
  ({ width, height, channels, data: new Uint8Array(width * height * channels) }) as Image;
const image = pattern(32, 24);
const maskImage = grey(255);
type Given = GenerateOptions & Readonly<Record<string, unknown>>;

describe('bad input', () => {
  const CASES: readonly (readonly [string, Given, string])[] = [
    ['an empty path', { image: '' }, 'image'],
    ['no picture at all', { image: 3 as unknown as string }, 'image'],
    ['an empty list', { image: [] }, 'image'],
    ['two channels', { image: full(0.5, [1, 2, 32, 32]) }, 'image'],
    ['bytes as a tensor', { image: new Tensor('uint8', new Uint8Array(3072), [1, 3, 32, 32]) }, 'image'],
    ['pixels beyond 1', { image: full(1.5, [1, 3, 32, 32]) }, 'image'],
    ['pixels that are NaN', { image: full(NaN, [1, 3, 32, 32]) }, 'image'],
    ['a tensor with sides that are no multiples of 8', { image: full(0, [1, 3, 30, 32]) }, 'image'],
    ['a tensor of another size', { image: full(0, [1, 3, 32, 32]), width: 64 }, 'image'],
    ['latents of another size', { image: full(0, [1, 4, 4, 4]), height: 64 }, 'image'],
    ['tensors in a list', { image: [full(0, [1, 3, 32, 32]), full(0, [1, 3, 32, 32])] }, 'image'],
    ['an image without pixels', { image: bare(0, 0, 3) }, 'image'],
    ['an image without pixels, and a size', { image: bare(0, 0, 3), width: 64, height: 64 }, 'image'],
    ['an image with two channels', { image: bare(32, 24, 2) }, 'image'],
    ['a mask with two channels', { image, maskImage: bare(32, 24, 2) }, 'maskImage'],
    ['a tensor without elements', { image: full(0, [0, 3, 32, 32]) }, 'image'],
    ['a picture smaller than a latent', { image: pattern(7, 32) }, 'image'],
    ['pictures of two sizes', { image: [image, pattern(24, 24)] }, 'image'],
    ['two pictures for one prompt', { image: [image, image] }, 'image'],
    ['pictures that width would resize', { image: [image, image], width: 64 }, 'image'],
    ['a mask without a picture', { maskImage }, 'maskImage'],
    ['a mask with three channels', { image, maskImage: full(1, [1, 3, 24, 32]) }, 'maskImage'],
    ['two masks for one picture', { image, maskImage: [maskImage, maskImage] }, 'maskImage'],
    ['strength without a picture', { strength: 0.5 }, 'strength'],
    ['strength 0', { image, strength: 0 }, 'strength'],
    ['strength above 1', { image, strength: 1.1 }, 'strength'],
    ['strength that is no number', { image, strength: NaN }, 'strength'],
    ['strength that leaves no step', { image, strength: 0.4 }, 'strength'],
    ['noise of another size', { image, latents: full(0, [1, 4, 4, 4]) }, 'latents'],
    ['padding without a mask', { image, paddingMaskCrop: 4 }, 'paddingMaskCrop'],
    ['padding with latents as the result', { image, maskImage, paddingMaskCrop: 4 }, 'outputType'],
    [
      'padding with a tensor',
      { image: full(0, [1, 3, 32, 32]), maskImage, paddingMaskCrop: 4, outputType: 'image' },
      'image',
    ],
    [
      'padding around a black mask',
      {
        image,
        maskImage: grey(0),
        paddingMaskCrop: 4,
        outputType: 'image',
      },
      'maskImage',
    ],
  ];
  test.each(CASES)('%s', async (_, given, argument) => {
    await expect(pipe.generate('x', { ...FEW, ...given })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument },
    });
  });

  test.each([
    ['no mask', { image }],
    ['nothing', {}],
  ])('a UNet with 9 channels and %s', async (_, given) => {
    await expect(fillsIn.generate('x', { ...FEW, ...given })).rejects.toMatchObject({
      details: { argument: 'maskImage' },
    });
  });

  test('a UNet with 9 channels and latents as the picture', async () => {
    const latents = full(0, [1, 4, 3, 4]);
    await expect(fillsIn.generate('x', { ...FEW, image: latents, maskImage })).rejects.toMatchObject({
      details: { argument: 'image' },
    });
  });

  test('a file that is not there, cut off or far too large, and the pipeline goes on', async () => {
    await expect(pipe.generate('x', { ...FEW, image: '/none.png' })).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
    const png = await image.toBuffer();
    const large = Buffer.from(png);
    large.writeUInt32BE(30_000, 16);
    large.writeUInt32BE(30_000, 20);
    for (const [bytes, code] of [
      [Buffer.from('?'), 'ERR_IMAGE_DECODE'],
      [png.subarray(0, png.length - 40), 'ERR_IMAGE_DECODE'],
      [large, 'ERR_IMAGE_SIZE'],
    ] as const)
      for (const given of [{ image: bytes }, { image, maskImage: bytes }])
        await expect(pipe.generate('x', { ...FEW, ...given })).rejects.toMatchObject({ code });
    expect((await pipe.generate('x', { ...FEW, image })).images.dims).toEqual([1, 4, 3, 4]);
  });
});

describe('what a picture says', () => {
  const warnings = async (given: GenerateOptions): Promise<string[]> => {
    const seen: WarningEvent[] = [];
    for await (const event of pipe.stream('x', { ...FEW, ...given })) if (event.type === 'warning') seen.push(event);
    return seen.map(({ code }) => code);
  };

  test('its size, down to multiples of 8; or width and height do', async () => {
    const { images } = await pipe.generate('x', { ...FEW, image: pattern(45, 31) });
    expect(images.dims).toEqual([1, 4, 3, 5]);
    expect((await pipe.generate('x', { ...FEW, image, width: 40 })).images.dims).toEqual([1, 4, 3, 5]);
  });

  test('a transparent one, and a black mask, are warned of', async () => {
    expect(await warnings({ image })).toEqual([]);
    expect(await warnings({ image: pattern(32, 24, 4) })).toEqual(['WARN_IMAGE_TRANSPARENT']);
    const black = grey(0);
    expect(await warnings({ image, maskImage: black })).toEqual(['WARN_MASK_EMPTY']);
  });

  test('hooks are told which ones are encoded', async () => {
    const told: unknown[] = [];
    using tap = pipe.hooks.beforeRun.tap('test', ({ pictures }) => void told.push(pictures));
    void tap;
    for (const given of [image, full(0.5, [1, 4, 3, 4]), undefined])
      await pipe.generate('a fox', { ...FEW, image: given, width: 32, height: 24 });
    expect(told).toEqual([[{ width: 32, height: 24, isReference: false }], [], []]);
  });

  test('bytes, a tensor of pixels and an image give the same', async () => {
    const pixels = new Float32Array(3 * 768);
    for (let i = 0; i < 768; i++) for (let c = 0; c < 3; c++) pixels[c * 768 + i] = image.data[3 * i + c]! / 255;
    const [a, b, c] = await Promise.all(
      [image, await image.toBuffer(), new Tensor('float32', pixels, [1, 3, 24, 32])].map(async (given) =>
        pipe.generate('x', { ...FEW, image: given }),
      ),
    );
    expect(a!.images.data).toEqual(b!.images.data);
    expect(a!.images.data).toEqual(c!.images.data);
    expect(a!.timings.encodeImage).toBeGreaterThan(0);
  });

  test('each result has its seed, its prompt and its picture, whatever else is in the batch', async () => {
    const other = pattern(32, 24, 3, 9);
    for (const given of [{}, { maskImage }]) {
      const together = await pipe.generate(['x', 'y'], {
        ...FEW,
        ...given,
        image: [image, other],
        numImagesPerPrompt: 2,
        seed: [1, 2, 3, 4],
      });
      const alone = await pipe.generate('y', { ...FEW, ...given, image: other, seed: 3 });
      const size = alone.images.size;
      const third = (together.images.data as Float32Array).slice(2 * size, 3 * size);
      expect(Math.max(...third.map((x, i) => Math.abs(x - (alone.images.data as Float32Array)[i]!)))).toBeLessThan(
        1e-4,
      );
    }
  });

  test('noise that is given takes the place of what would be drawn', async () => {
    const noise = full(0.25, [1, 4, 3, 4]);
    const runs = [1, 2].map(async () => pipe.generate('x', { ...FEW, image, latents: noise }));
    const [a, b] = await Promise.all(runs);
    expect(a!.images.data).toEqual(b!.images.data);
    const drawn = await pipe.generate('x', { ...FEW, image });
    expect(a!.images.data).not.toEqual(drawn.images.data);
  });
});

test.each(['StableDiffusionImg2ImgPipeline', 'StableDiffusionInpaintPipeline'])('%s opens', async (className) => {
  const folder = await mkdtemp(join(tmpdir(), 'thimble-alias-'));
  try {
    await cp(fixturePath('sd-tiny'), folder, { recursive: true });
    const index = JSON.parse(await readFile(join(folder, 'model_index.json'), 'utf8')) as object;
    await writeFile(join(folder, 'model_index.json'), JSON.stringify({ ...index, _class_name: className }));
    await using opened = await StableDiffusionPipeline.fromPretrained(folder, DEVICE);
    expect(opened.className).toBe(className);
    await using other = await DiffusionPipeline.fromPretrained(folder, DEVICE);
    expect(other).toBeInstanceOf(StableDiffusionPipeline);
  } finally {
    await rm(folder, { recursive: true });
  }
});
