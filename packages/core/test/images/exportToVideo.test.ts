import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-common';
import sharp from 'sharp';
import { exportToVideo } from '../../src/images/exportToVideo.js';
import { Image } from '../../src/images/Image.js';

const [WIDTH, HEIGHT, FRAMES, FPS] = [64, 48, 17, 8];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-video-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Colours that run from left to right and from top to bottom, and a bar that wanders. */
function frameAt(index: number, [width, height] = [WIDTH, HEIGHT] as const): Image {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      data.set(
        Math.abs(x - 3 * index) < 4 ? [230, 40, 40] : [40, (x * 255) / width, (y * 255) / height],
        (y * width + x) * 3,
      );
  }
  return new Image({ width, height, data });
}
const frames = Array.from({ length: FRAMES }, (_, i) => frameAt(i));
const hasFfmpeg = ((): boolean => {
  try {
    execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
const code = (name: string, text: RegExp): unknown =>
  expect.objectContaining({ code: name, message: expect.stringMatching(text) });
const distance = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((sum, byte, i) => sum + Math.abs(byte - b[i]!), 0) / a.length;

describe('an MP4', () => {
  test('begins as one, and leaves neither files nor listeners behind', async () => {
    const before = ['uncaughtException', 'unhandledRejection', 'exit'].map((event) => process.listenerCount(event));
    const path = join(folder, 'plain.mp4');
    expect(await exportToVideo(frames, path, { fps: FPS })).toBe(path);
    const bytes = readFileSync(path);
    expect(bytes.toString('latin1', 4, 8)).toBe('ftyp');
    expect(bytes.includes('avc1')).toBe(true);
    expect(['uncaughtException', 'unhandledRejection', 'exit'].map((event) => process.listenerCount(event))).toEqual(
      before,
    );
    expect(readdirSync(folder)).toEqual(['plain.mp4']);
  });

  test('is smaller with less quality', async () => {
    const [good, poor] = [join(folder, 'good.mp4'), join(folder, 'poor.mp4')];
    await exportToVideo(frames, good, { fps: FPS, quality: 9 });
    await exportToVideo(frames, poor, { fps: FPS, quality: 1 });
    expect(readFileSync(poor).length).toBeLessThan(readFileSync(good).length);
  });

  (hasFfmpeg ? test : test.skip)(
    'plays as H.264 in yuv420p, with all frames, the size, the speed and the colours',
    async () => {
      const path = join(folder, 'played.mp4');
      await exportToVideo(frames, path, { fps: FPS, quality: 8 });
      const told = execFileSync(
        'ffprobe',
        [
          '-v',
          'error',
          '-count_frames',
          '-show_entries',
          'stream=codec_name,pix_fmt,width,height,r_frame_rate,nb_read_frames',
          '-of',
          'json',
          path,
        ],
        { encoding: 'utf8' },
      );
      expect((JSON.parse(told) as { streams: unknown[] }).streams).toEqual([
        {
          codec_name: 'h264',
          pix_fmt: 'yuv420p',
          width: WIDTH,
          height: HEIGHT,
          r_frame_rate: `${FPS}/1`,
          nb_read_frames: String(FRAMES),
        },
      ]);
      const decoded = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
        maxBuffer: 2 ** 24,
      });
      const size = WIDTH * HEIGHT * 3;
      expect(decoded.length).toBe(FRAMES * size);
      for (const [i, frame] of frames.entries())
        expect(distance(decoded.subarray(i * size, (i + 1) * size), frame.data)).toBeLessThan(6);
    },
  );

  test('is the same of pictures, of pictures as they come, and of a tensor', async () => {
    const [first, second, third] = ['a.mp4', 'b.mp4', 'c.mp4'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await exportToVideo(frames, first);
    await exportToVideo(
      (async function* () {
        yield* frames;
      })(),
      second,
    );
    await exportToVideo(
      new Tensor(
        'float32',
        Float32Array.from(
          frames.flatMap(({ data }) => [...data]),
          (byte) => byte / 255,
        ),
        [1, FRAMES, HEIGHT, WIDTH, 3],
      ),
      third,
    );
    // The time it was made stands in it.
    const pixels = (path: string): Buffer => readFileSync(path).subarray(readFileSync(path).indexOf('mdat'));
    expect(pixels(second).length).toBe(pixels(first).length);
    expect(pixels(third).length).toBe(pixels(first).length);
  });
});

describe.each(['gif', 'webp'] as const)('a %s', (format) => {
  test('has all frames and repeats', async () => {
    const path = join(folder, `animation.${format}`);
    await exportToVideo(frames, path, { fps: FPS });
    const { pages, width, pageHeight, loop, delay } = await sharp(readFileSync(path), { animated: true }).metadata();
    expect([pages, width, pageHeight, loop]).toEqual([FRAMES, WIDTH, HEIGHT, 0]);
    expect(new Set(delay)).toEqual(new Set([format === 'gif' ? 120 : 125]));
    const last = await sharp(readFileSync(path), { page: FRAMES - 1 })
      .removeAlpha()
      .raw()
      .toBuffer();
    expect(distance(last, frames.at(-1)!.data)).toBeLessThan(12);
  });
});

describe('what is no video is refused, and an older file kept', () => {
  test.each([
    ['another format', frames, 'video.avi', {}, 'ERR_VIDEO_FORMAT', /\.mp4, \.gif, \.webp/],
    ['no frames', [], 'x.mp4', {}, 'ERR_ARGUMENT_INVALID', /at least one frame/],
    ['frames of all videos', [frames] as unknown as Image[], 'x.mp4', {}, 'ERR_ARGUMENT_INVALID', /frames\[0\]/],
    ['a text', 'frames' as unknown as Image[], 'x.mp4', {}, 'ERR_ARGUMENT_INVALID', /frames of one video/],
    [
      'frames of two sizes',
      [frameAt(0), frameAt(0, [32, 48])],
      'x.mp4',
      {},
      'ERR_ARGUMENT_INVALID',
      /64x48 with 3 channels, as the first frame/,
    ],
    ['an odd size', [frameAt(0, [33, 48])], 'x.mp4', {}, 'ERR_ARGUMENT_INVALID', /even sizes/],
    [
      'a tensor of latents',
      new Tensor('float32', new Float32Array(16), [1, 1, 4, 2, 2]),
      'x.mp4',
      {},
      'ERR_ARGUMENT_INVALID',
      /\[frames, height, width, 3\]/,
    ],
    ['no speed', frames, 'x.gif', { fps: 0 }, 'ERR_ARGUMENT_INVALID', /fps/],
    ['no quality', frames, 'x.mp4', { quality: 11 }, 'ERR_ARGUMENT_INVALID', /quality/],
    ['a folder that is not there', frames, 'none/x.mp4', {}, 'ERR_FILE_NOT_FOUND', /none/],
  ] as const)('%s', async (_, input, name, options, errorCode, message) => {
    writeFileSync(join(folder, 'x.mp4'), 'old');
    await expect(exportToVideo(input as Image[], join(folder, name), options)).rejects.toEqual(
      code(errorCode, message),
    );
    expect(readFileSync(join(folder, 'x.mp4'), 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });
});
