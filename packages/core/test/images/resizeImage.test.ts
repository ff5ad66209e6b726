import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { crop, paste } from '../../src/images/crop.js';
import { toGrey, toRgb } from '../../src/images/grey.js';
import type { Image } from '../../src/images/Image.js';
import { resizeImage, type ResizeOptions } from '../../src/images/resize/resizeImage.js';
import { resizeNearest } from '../../src/images/resize/resizeNearest.js';
import { samplesOfImages } from '../../src/images/samplesOfImages.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { digest, pattern } from '../support/pattern.js';
import { imagesOf } from '../support/PictureCall.js';

// Image.frombytes("RGB", (9, 7), bytes of the pattern).resize((width, height), resample, box), Pillow 13.0.0
const PIL: readonly (readonly [ResizeOptions, string])[] = [
  [{ width: 5, height: 11, filter: 'bicubic' }, '01245034bcfe8bdb'],
  [{ width: 13, height: 4 }, '923c6fa58e87a49a'],
  [{ width: 9, height: 3, filter: 'bicubic', box: [0, 0, 9, 0] }, '4dab598aab445a74'],
  [{ width: 9, height: 3, filter: 'bicubic', box: [0, 7, 9, 7] }, 'f31df02871dca4c8'],
  [{ width: 2, height: 7, filter: 'bicubic', box: [9, 0, 9, 7] }, 'e8dc3af68e47f3a6'],
  [{ width: 6, height: 6, box: [2, 1, 7, 6] }, '5e14401aefe011f7'],
];

test.each(PIL)("%j gives PIL's bytes", async (options, expected) => {
  expect(digest((await resizeImage(pattern(9, 7, 3, 1), options)).data)).toBe(expected);
});

test('the size that it has already is not touched', async () => {
  const image = pattern(9, 7);
  expect((await resizeImage(image, { width: 9, height: 7 })).data).toBe(image.data);
});

test("grey is PIL's mode L", () => {
  expect(digest(toGrey(pattern(9, 7, 3, 1)).data)).toBe('576c7a087e5602ad');
  expect([...toRgb(toGrey(pattern(2, 1))).data]).toEqual([...toGrey(pattern(2, 1)).data].flatMap((x) => [x, x, x]));
});

test('crop and paste keep what fits', () => {
  const image = pattern(4, 3, 1);
  const part = crop(image, { left: 1, top: 1, width: 2, height: 2 });
  expect([...part.data]).toEqual([5, 6, 9, 10].map((i) => image.data[i]));
  paste(image, { ...part, data: Uint8Array.of(1, 2, 3, 4) }, 3, -1);
  expect([image.data[3], image.data[7]]).toEqual([3, pattern(4, 3, 1).data[7]]);
});

describe("diffusers' preprocessing", () => {
  let more: FixtureCase;
  let inpaint: FixtureCase;
  beforeAll(async () => {
    more = await FixtureCase.open('img2img-more');
    inpaint = await FixtureCase.open('inpaint-more');
  });
  const bytes = async (fixture: FixtureCase, call: string): Promise<Image[]> => {
    const { image_u8: image, mask_u8: mask } = await fixture.inputs(call);
    return [imagesOf((image ?? mask) as Tensor)].flat();
  };

  test.each(['preprocess.one', 'preprocess.two'])('%s', async (call) => {
    expect(await more.excess(call, 'image', samplesOfImages(await bytes(more, call)))).toBeLessThanOrEqual(1);
  });
  test('Lanczos, a level is too much', async () => {
    const image = await resizeImage((await bytes(more, 'preprocess.lanczos'))[0] as Image, { width: 56, height: 48 });
    expect(await more.excess('preprocess.lanczos', 'image', samplesOfImages([image]))).toBeLessThanOrEqual(1);
    const other = await resizeImage((await bytes(inpaint, 'preprocess.image'))[0] as Image, { width: 56, height: 40 });
    expect(await inpaint.excess('preprocess.image', 'image', samplesOfImages([other]))).toBeLessThanOrEqual(1);
  });
  test('nearest', async () => {
    const { image } = await more.inputs('preprocess.nearest');
    const resized = resizeNearest(image as Tensor, 48, 56);
    for (const [i, x] of (resized.data as Float32Array).entries()) resized.data[i] = 2 * x - 1;
    expect(await more.excess('preprocess.nearest', 'image', resized)).toBeLessThanOrEqual(1);
  });
});
