import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { Image } from '../../src/images/Image.js';
import type { ImageFormat } from '../../src/images/ImageFormat.js';

const code = (name: string, text?: RegExp): unknown =>
  expect.objectContaining(text ? { code: name, message: expect.stringMatching(text) } : { code: name });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-images-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A picture with gradients, edges and noise, so that each filter of PNG is the best one somewhere. */
function picture(width: number, height: number, channels: 1 | 3 | 4 = 3, metadata: Record<string, string> = {}): Image {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    if (y < height / 4) return (x * 3 + (i % channels)) & 0xff;
    if (y < height / 2) return (y * 5 + x) & 0xff;
    return y < height * 0.75 ? Math.imul(i, 2654435761) >>> 24 : 200;
  });
  return new Image({ width, height, channels, data, metadata });
}

async function pixels(
  file: string | Buffer,
): Promise<{ width: number; height: number; channels: number; data: Uint8Array }> {
  const { data, info } = await sharp(file)
    .toColourspace((await sharp(file).metadata()).space ?? 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data: new Uint8Array(data) };
}

describe('PNG', () => {
  test.each([
    [1, 1, 3],
    [64, 48, 3],
    [7, 5, 4],
    [5, 7, 1],
    [300, 400, 3],
  ] as const)('%i x %i with %i channels is read back the same', async (width, height, channels) => {
    const image = picture(width, height, channels);
    const { data, ...size } = await pixels(await image.toBuffer('png'));
    expect(size).toEqual({ width, height, channels });
    expect(Buffer.compare(data, image.data)).toBe(0);
  });

  test('is about as small as with libvips', async () => {
    const image = picture(128, 128);
    const theirs = await sharp(image.data, { raw: { width: 128, height: 128, channels: 3 } })
      .png({ adaptiveFiltering: true })
      .toBuffer();
    expect((await image.toBuffer('png')).length).toBeLessThan(theirs.length * 1.1);
    expect((await image.toBuffer('png', { compressionLevel: 0 })).length).toBeGreaterThan(image.data.length);
  });

  test('holds its metadata, as another reader finds it', async () => {
    const metadata = {
      parameters: 'a cat, wearing a hat\nNegative prompt: dogs\nSteps: 20',
      Title: 'crème brûlée',
      Comment: '日本語 🚀 “quoted”',
    };
    const { comments } = await sharp(await picture(8, 8, 3, metadata).toBuffer('png')).metadata();
    expect(
      Object.fromEntries(comments!.map(({ keyword, text }) => [keyword.replace(/^png-comment-\d+-/u, ''), text])),
    ).toEqual(metadata);
  });

  test('writes plain text as tEXt and other text as iTXt', async () => {
    const chunks = async (text: string): Promise<string> =>
      (await picture(2, 2, 3, { parameters: text }).toBuffer()).toString('latin1');
    expect(await chunks('plain')).toContain('tEXtparameters\0plain');
    expect(await chunks('🚀')).toContain('iTXtparameters\0\0\0\0\0ð\x9F\x9A\x80');
  });

  test.each([[''], ['x'.repeat(80)], [' x'], ['x '], ['日']])('refuses the keyword %p', async (keyword) => {
    await expect(picture(2, 2, 3, { [keyword]: 'x' }).toBuffer('png')).rejects.toEqual(
      code('ERR_ARGUMENT_INVALID', /metadata/),
    );
  });

  test('refuses text that would end too early', async () => {
    await expect(picture(2, 2, 3, { a: 'x\0y' }).toBuffer('png')).rejects.toEqual(
      code('ERR_ARGUMENT_INVALID', /metadata\.a/),
    );
  });
});

describe('other formats', () => {
  test('webp without loss gives the same pixels', async () => {
    const image = picture(40, 30);
    expect((await pixels(await image.toBuffer('webp', { lossless: true }))).data).toEqual(image.data);
  });

  test.each<ImageFormat>(['webp', 'jpg', 'jpeg'])(
    '%s gives about the same picture, with the prompt in EXIF and XMP',
    async (format) => {
      const image = new Image({
        width: 16,
        height: 8,
        data: new Uint8Array(384).fill(100),
        metadata: { parameters: 'crème <brûlée> 日本' },
      });
      const file = await image.toBuffer(format);
      const read = await pixels(file);
      expect([read.width, read.height]).toEqual([16, 8]);
      expect(Math.max(...read.data.map((x) => Math.abs(x - 100)))).toBeLessThan(4);
      const { exif, xmpAsString } = await sharp(file).metadata();
      expect(exif!.toString('latin1')).toContain('creme <brulee>');
      expect(xmpAsString).toContain('>crème &lt;brûlée&gt; 日本</rdf:li>');
    },
  );

  test('quality counts', async () => {
    const image = picture(64, 64);
    expect((await image.toBuffer('jpg', { quality: 20 })).length).toBeLessThan(
      (await image.toBuffer('jpg', { quality: 95 })).length,
    );
  });

  test('raw is the bytes, copied', async () => {
    const image = picture(3, 2);
    const raw = await image.toBuffer('raw');
    expect(new Uint8Array(raw)).toEqual(image.data);
    raw[0] = raw[0]! ^ 1;
    expect(raw[0]).not.toBe(image.data[0]);
  });

  test('an image that the format cannot hold is refused', async () => {
    const wide = new Image({ width: 16_384, height: 1, data: new Uint8Array(16_384 * 3) });
    await expect(wide.toBuffer('webp')).rejects.toEqual(code('ERR_IMAGE_ENCODE', /webp.*png/));
  });

  test('unknown formats and options are refused', async () => {
    await expect(picture(2, 2).toBuffer('gif' as never)).rejects.toEqual(code('ERR_IMAGE_FORMAT', /"gif".*png, webp/));
    await expect(picture(2, 2).toBuffer('jpg', { quality: 0 })).rejects.toEqual(
      code('ERR_ARGUMENT_INVALID', /quality/),
    );
    await expect(picture(2, 2).toBuffer('png', { compressionLevel: 10 })).rejects.toEqual(
      code('ERR_ARGUMENT_INVALID', /compressionLevel/),
    );
  });
});

describe('save', () => {
  test.each(['a.png', 'a.PNG', 'a.webp', 'a.jpg', 'a.jpeg', 'a.raw'])(
    'writes %s and leaves nothing else',
    async (name) => {
      const own = mkdtempSync(join(folder, 'save-'));
      await picture(8, 8).save(join(own, name));
      expect(readdirSync(own)).toEqual([name]);
      expect(statSync(join(own, name)).size).toBeGreaterThan(50);
    },
  );

  test('replaces a file', async () => {
    const path = join(folder, 'old.raw');
    writeFileSync(path, 'old');
    const image = picture(2, 2);
    await image.save(path);
    expect(new Uint8Array(readFileSync(path))).toEqual(image.data);
  });

  test.each(['a', 'a.gif', 'a.png.tmp', '.png'])('refuses the name %s', async (name) => {
    await expect(picture(2, 2).save(join(folder, name))).rejects.toEqual(code('ERR_IMAGE_FORMAT', /\.png, \.webp/));
  });

  test('a missing folder is named, not made', async () => {
    await expect(picture(2, 2).save(join(folder, 'no', 'a.png'))).rejects.toEqual(
      code('ERR_FILE_NOT_FOUND', /"[^"]*no" does not exist/),
    );
  });

  test('what cannot be written to stays as it was', async () => {
    const own = mkdtempSync(join(folder, 'locked-'));
    mkdirSync(join(own, 'a.png'));
    await expect(picture(2, 2).save(join(own, 'a.png'))).rejects.toEqual(code('ERR_FILE_ACCESS', /write.*a\.png/));
    expect(readdirSync(own)).toEqual(['a.png']);
  });

  (process.getuid?.() === 0 ? test.skip : test)('a folder without permission', async () => {
    const own = mkdtempSync(join(folder, 'readonly-'));
    chmodSync(own, 0o500);
    await expect(picture(2, 2).save(join(own, 'a.png'))).rejects.toEqual(code('ERR_FILE_ACCESS', /EACCES/));
  });
});

test.each([
  [{ width: 0, height: 1, data: new Uint8Array(0) }, /width/],
  [{ width: 1, height: 1.5, data: new Uint8Array(3) }, /height/],
  [{ width: 2, height: 2, data: new Uint8Array(11) }, /11 bytes.*12/],
  [{ width: 1, height: 1, channels: 5 as never, data: new Uint8Array(5) }, /channels/],
])('an image is checked: %#', (parts, message) => {
  expect(() => new Image(parts)).toThrow(code('ERR_ARGUMENT_INVALID', message));
});
