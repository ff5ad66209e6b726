import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { flatten } from '../../src/images/flatten.js';
import { toRgb } from '../../src/images/grey.js';
import { Image } from '../../src/images/Image.js';
import { pattern } from '../support/pattern.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thimble-images-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const raw = ({ width, height, channels, data }: Image): Sharp => sharp(data, { raw: { width, height, channels } });
const SMOOTH = new Image({
  width: 16,
  height: 8,
  data: Uint8Array.from({ length: 384 }, (_, i) => 40 + (Math.floor(i / 3) % 16) * 10),
});

describe('Image.open', () => {
  test('reads PNG, lossless WebP, JPEG and AVIF, from bytes, a path and a URL', async () => {
    const image = pattern(12, 10);
    const png = await image.toBuffer('png');
    const path = join(folder, 'picture.with.dots');
    await writeFile(path, png);
    for (const source of [
      png,
      new Uint8Array(png),
      path,
      pathToFileURL(path),
      await raw(image).webp({ lossless: true }).toBuffer(),
    ])
      expect(await Image.open(source)).toMatchObject({ width: 12, height: 10, channels: 3, data: image.data });
    for (const lossy of [
      await raw(SMOOTH).jpeg({ quality: 100 }).toBuffer(),
      await raw(SMOOTH).avif({ quality: 100 }).toBuffer(),
    ]) {
      const { data, ...rest } = await Image.open(lossy);
      expect(rest).toMatchObject({ width: 16, height: 8, channels: 3 });
      expect(Math.max(...data.map((x, i) => Math.abs(x - SMOOTH.data[i]!)))).toBeLessThanOrEqual(8);
    }
  });

  test('turns a picture upright, and keeps transparency, grey and 16 bits in 8', async () => {
    const turned = await Image.open(await raw(SMOOTH).png().withMetadata({ orientation: 6 }).toBuffer());
    expect(turned).toMatchObject({ width: 8, height: 16 });
    expect([turned.data[0], turned.data.at(-1)]).toEqual([SMOOTH.data[0], SMOOTH.data.at(-1)]);
    const clear = pattern(5, 4, 4);
    expect(await Image.open(await clear.toBuffer())).toMatchObject({ channels: 4, data: clear.data });
    const grey = pattern(5, 4, 1);
    expect(await Image.open(await raw(grey).toColourspace('b-w').png().toBuffer())).toMatchObject({
      channels: 3,
      data: toRgb(grey).data,
    });
    const alpha = await raw(grey).toColourspace('b-w').ensureAlpha(0.5).png().toBuffer();
    expect([...(await Image.open(alpha)).data.subarray(0, 4)]).toEqual([grey.data[0], grey.data[0], grey.data[0], 127]);
    const deep = await raw(pattern(5, 4)).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    expect((await Image.open(deep)).data).toEqual(pattern(5, 4).data);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.from('this is no picture')],
    [
      'SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'),
    ],
    ['an address', new URL('https://example.com/a.png')],
  ])('refuses %s', async (_, source) => {
    await expect(Image.open(source)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE' });
  });

  test.each(['png', 'jpeg', 'webp', 'avif'] as const)('refuses a %s that is cut off', async (format) => {
    const whole = await raw(pattern(64, 64)).toFormat(format).toBuffer();
    for (const share of [0.9, 0.5, 0.1])
      await expect(Image.open(whole.subarray(0, Math.floor(share * whole.length)))).rejects.toMatchObject({
        code: 'ERR_IMAGE_DECODE',
      });
  });

  test('refuses 30000×30000 by its header, and 0×0', async () => {
    const jpeg = await raw(SMOOTH).jpeg().toBuffer();
    const at = jpeg.indexOf(Buffer.of(0xff, 0xc0)) + 5;
    jpeg.writeUInt16BE(30_000, at);
    jpeg.writeUInt16BE(30_000, at + 2);
    await expect(Image.open(jpeg)).rejects.toMatchObject({
      code: 'ERR_IMAGE_SIZE',
      details: { width: 30_000, height: 30_000, maxPixels: 100_000_000 },
    });
    const png = await SMOOTH.toBuffer('png');
    png.writeUInt32BE(0, png.indexOf('IHDR') + 4);
    await expect(Image.open(png)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE' });
  });

  test('says what is wrong with a path', async () => {
    await expect(Image.open(join(folder, 'none.png'))).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    await expect(Image.open(folder)).rejects.toMatchObject({ code: 'ERR_FILE_ACCESS' });
    await expect(Image.open('/dev/zero')).rejects.toMatchObject({ code: 'ERR_FILE_ACCESS' });
  });
});

test('flatten lays what is transparent on a level', () => {
  const image = new Image({
    width: 3,
    height: 1,
    channels: 4,
    data: Uint8Array.of(10, 20, 30, 255, 10, 20, 30, 0, 10, 20, 30, 51),
  });
  const { image: flat, transparent } = flatten(image, 255);
  expect(transparent).toBe(true);
  expect([...flat.data]).toEqual([10, 20, 30, 255, 255, 255, 206, 208, 210]);
  const opaque = { width: 1, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 255) } as const;
  expect(flatten(new Image(opaque), 0)).toMatchObject({ transparent: false, image: { data: Uint8Array.of(1, 2, 3) } });
});
