import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { parametersExif } from '../../src/images/exif/parametersExif.js';
import { userComment } from '../../src/images/exif/userComment.js';
import { Image } from '../../src/images/Image.js';
import { readImageInfo } from '../../src/images/readImageInfo.js';

const TEXT = 'crème <brûlée> 日本\nNegative prompt: snow\nSteps: 3, Seed: 7';
const image = (parameters: string): Image =>
  new Image({ width: 16, height: 8, data: new Uint8Array(384).fill(100), metadata: { parameters } });

/** piexif.dump({"Exif": {ExifIFD.UserComment: UserComment.dump("a cat りんご\nSteps: 20", encoding="unicode")}}), as A1111 writes it. */
const OF_PIEXIF = Buffer.from(
  'RXhpZgAATU0AKgAAAAgAAYdpAAQAAAABAAAAGgAAAAAAAZKGAAcAAAAuAAAAKFVOSUNPREUAAGEAIABjAGEAdAAgMIowkzBUAAoAUwB0AGUAcABzADoAIAAyADA=',
  'base64',
);

describe('the parameters of a picture', () => {
  test.each(['png', 'webp', 'jpg'] as const)('come back from %s as they were', async (format) => {
    const file = await image(TEXT).toBuffer(format);
    expect(await readImageInfo(file)).toEqual({
      format: format === 'jpg' ? 'jpeg' : format,
      width: 16,
      height: 8,
      metadata: { parameters: TEXT },
    });
    expect((await Image.open(file)).metadata).toEqual({ parameters: TEXT });
  });

  test('lie in the EXIF of a JPEG and a WebP where other tools read them, beside a description in ASCII', async () => {
    for (const format of ['webp', 'jpg'] as const) {
      const { exif } = await sharp(await image(TEXT).toBuffer(format)).metadata();
      expect(exif!.includes(Buffer.from(`UNICODE\0`, 'latin1'))).toBe(true);
      expect(exif!.includes(Buffer.from(TEXT, 'utf16le').swap16())).toBe(true);
      expect(exif!.toString('latin1')).toContain('creme <brulee> ??\nNegative prompt: snow');
    }
  });

  test('that are longer than a JPEG takes are left out of it, and not out of a WebP', async () => {
    const long = 'x'.repeat(40_000);
    expect(await readImageInfo(await image(long).toBuffer('jpg'))).toMatchObject({ format: 'jpeg', metadata: {} });
    expect(await readImageInfo(await image(long).toBuffer('webp'))).toMatchObject({ metadata: { parameters: long } });
  });
});

describe("EXIF's user comment", () => {
  test('of other tools is read: in UTF-16 of both orders, in ASCII, in a file of either byte order', () => {
    expect(userComment(OF_PIEXIF)).toBe('a cat りんご\nSteps: 20');
    const swapped = Buffer.from(parametersExif('a cat'));
    const at = swapped.indexOf('UNICODE\0') + 8;
    swapped.subarray(at).swap16();
    expect(userComment(swapped)).toBe('a cat');
    expect(userComment(littleEndian('ASCII\0\0\0a cat\0'))).toBe('a cat');
    expect(userComment(littleEndian('UNICODE\0a\0 \0c\0a\0t\0'))).toBe('a cat');
  });

  test('of damaged EXIF is none, wherever it ends', () => {
    const whole = parametersExif('a cat');
    for (let length = 0; length < whole.length; length++)
      expect(userComment(whole.subarray(0, length))).toBeUndefined();
    expect(userComment(whole)).toBe('a cat');
  });
});

/** EXIF of Intel's byte order with one directory, which points to a second one with the comment. */
function littleEndian(comment: string): Buffer {
  const bytes = Buffer.alloc(44, 0);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(8, 4);
  const entry = (offset: number, tag: number, type: number, count: number, value: number): void => {
    bytes.writeUInt16LE(1, offset);
    bytes.writeUInt16LE(tag, offset + 2);
    bytes.writeUInt16LE(type, offset + 4);
    bytes.writeUInt32LE(count, offset + 6);
    bytes.writeUInt32LE(value, offset + 10);
  };
  entry(8, 0x8769, 4, 1, 26);
  entry(26, 0x9286, 7, comment.length, 44);
  return Buffer.concat([bytes, Buffer.from(comment, 'latin1')]);
}
