import { checkOptionNames } from '../fields/checkOptionNames.js';
import { extname } from 'node:path';
import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { AnimationEncoder } from './AnimationEncoder.js';
import { Image } from './Image.js';
import { Mp4Encoder } from './Mp4Encoder.js';
import type { VideoEncoder, VideoSettings } from './VideoEncoder.js';
import { checkPath } from '../fields/checkPath.js';
import { writeFileAtomically } from '../disk/writeFileAtomically.js';

/** Frames of one video: pictures of one size, also as they come; or a float32 tensor [frames, height, width, 3] in [0, 1]. */
export type VideoInput = Iterable<Image> | AsyncIterable<Image> | Tensor;

/** Options of {@link exportToVideo}. */
export interface ExportToVideoOptions {
  /** Frames a second. Default 10. */
  readonly fps?: number | undefined;
  /** 0, small, to 10, good. Default 5. GIF has one quality. */
  readonly quality?: number | undefined;
}

/** By extension. */
const ENCODERS: Readonly<Record<string, (settings: VideoSettings) => VideoEncoder>> = {
  '.mp4': (settings) => new Mp4Encoder(settings),
  '.gif': (settings) => new AnimationEncoder('gif', settings),
  '.webp': (settings) => new AnimationEncoder('webp', settings),
};
const CHANNELS = 3;
const [LEAST_FPS, MOST_FPS] = [0.1, 240];

/**
 * Writes frames as a video (diffusers' `export_to_video`): `.mp4` is H.264 in yuv420p, which plays everywhere, `.gif` and `.webp` are animations
 * that repeat. The file is there as a whole or not at all: it is written under another name and renamed.
 *
 * @param frames `frames[0]` of what a video pipeline gives
 * @param path its folder exists
 * @returns `path`
 * @throws ERR_VIDEO_FORMAT for another extension; ERR_ARGUMENT_INVALID for frames that are none, of different sizes, or, in an MP4, of odd sizes;
 * ERR_VIDEO_ENCODE; ERR_FILE_NOT_FOUND if the folder does not exist; ERR_FILE_ACCESS, ERR_DISK_FULL
 */
export async function exportToVideo(
  frames: VideoInput,
  path: string,
  options: ExportToVideoOptions = {},
): Promise<string> {
  checkOptionNames(options, ['fps', 'quality'], 'exportToVideo');
  const { fps = 10, quality = 5 } = options;
  checkPath('path', path);
  const create = ENCODERS[extname(path).toLowerCase()];
  if (create === undefined)
    throw new ThimbleError('ERR_VIDEO_FORMAT', { format: path, supported: Object.keys(ENCODERS) });
  checkRange('fps', fps, LEAST_FPS, MOST_FPS);
  checkRange('quality', quality, 0, 10);
  const encoder = create({ fps, quality });
  try {
    let first: Image | undefined;
    for await (const frame of picturesOf(frames)) {
      first ??= frame;
      checkFrame(frame, first);
      await encoder.add(frame);
    }
    if (first === undefined)
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'frames',
        value: '(none)',
        expected: 'at least one frame',
      });
    await writeFileAtomically(path, await encoder.finish());
  } finally {
    encoder.dispose();
  }
  return path;
}

function picturesOf(frames: VideoInput): Iterable<Image> | AsyncIterable<Image> {
  if (typeof frames === 'object' && frames !== null) {
    if (Symbol.iterator in frames || Symbol.asyncIterator in frames) return frames;
    if ('dims' in frames && 'data' in frames) return picturesOfTensor(frames);
  }
  throw invalidFrames(frames);
}

function* picturesOfTensor({ type, dims, data }: Tensor): Generator<Image> {
  const [count = 0, height = 0, width = 0, channels] = dims.length === 5 && dims[0] === 1 ? dims.slice(1) : dims;
  if (type !== 'float32' || channels !== CHANNELS || dims.length < 4)
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'frames',
      value: `${type} [${dims.join(', ')}]`,
      expected: 'float32 [frames, height, width, 3]',
    });
  const size = height * width * CHANNELS;
  for (let i = 0; i < count; i++) {
    // A clamped array rounds half to even, as numpy does.
    const bytes = Uint8ClampedArray.from((data as Float32Array).subarray(i * size, (i + 1) * size), (x) =>
      Math.fround(x * 255),
    );
    yield new Image({ width, height, data: new Uint8Array(bytes.buffer) });
  }
}

function checkFrame(frame: Image, first: Image): void {
  if (typeof frame !== 'object' || frame === null || !(frame.data instanceof Uint8Array)) throw invalidFrames(frame);
  if (frame.width === first.width && frame.height === first.height && frame.channels === first.channels) return;
  const describe = ({ width, height, channels }: Image): string => `${width}x${height} with ${channels} channels`;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'frames',
    value: describe(frame),
    expected: `${describe(first)}, as the first frame`,
  });
}

function invalidFrames(value: unknown): ThimbleError {
  const hint = Array.isArray(value) ? ': of what a pipeline gives, frames[0]' : '';
  return new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'frames',
    value,
    expected: `the frames of one video, as pictures or a tensor${hint}`,
  });
}

function checkRange(argument: string, value: number, min: number, max: number): void {
  if (Number.isFinite(value) && value >= min && value <= max) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected: `a number from ${min} to ${max}` });
}
