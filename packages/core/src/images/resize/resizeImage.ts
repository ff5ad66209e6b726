import { setImmediate as breath } from 'node:timers/promises';
import { checkMembers } from '../../fields/checkMembers.js';
import { checkInteger } from '../../fields/checkNumber.js';
import type { PlainImage } from '../ImageParts.js';
import { type FilterName, FILTERS } from './Filter.js';
import { PRECISION_BITS, type Window, windowsOf } from './Window.js';

/** How a picture is resized. */
export interface ResizeOptions {
  readonly width: number;
  readonly height: number;
  /** Default 'lanczos'. */
  readonly filter?: FilterName | undefined;
  /** The rectangle that is taken, by its corners; the whole picture by default. */
  readonly box?: readonly [left: number, top: number, right: number, bottom: number] | undefined;
}

/** Bytes that are made before others get their turn. */
const BYTES_AT_ONCE = 2 ** 21;

/**
 * Resizes an image as PIL does, to the bit: each axis by itself, with weights in fixed point, rounded to bytes in between (source: Pillow 13, Resample.c). Columns
 * come first, but rows where many more of them go; older versions always begin with columns. An axis that keeps its size is not touched. Transparency has to be
 * laid on something before.
 *
 * @throws ERR_ARGUMENT_INVALID for what is no picture, and for a size that is none
 */
export async function resizeImage(image: PlainImage, options: ResizeOptions): Promise<PlainImage> {
  checkMembers('image', image, 'a picture', ['width', 'height', 'channels', 'data']);
  checkMembers('options', options, 'a width and a height', ['width', 'height']);
  const { width, height, filter = 'lanczos', box = [0, 0, image.width, image.height] } = options;
  checkInteger('width', width, 1);
  checkInteger('height', height, 1);
  const [left, top, right, bottom] = box;
  const columns = async (of: PlainImage): Promise<PlainImage> =>
    isWhole([left, right], of.width, width)
      ? of
      : resizeColumns(of, windowsOf(of.width, [left, right], width, FILTERS[filter]));
  const rows = async (of: PlainImage): Promise<PlainImage> =>
    isWhole([top, bottom], of.height, height)
      ? of
      : resizeRows(of, windowsOf(of.height, [top, bottom], height, FILTERS[filter]));
  const fewer = image.height - height;
  const rowsFirst = fewer > 0 && fewer > 2 * (image.width - width);
  return rowsFirst ? columns(await rows(image)) : rows(await columns(image));
}

function isWhole([from, to]: readonly [number, number], length: number, size: number): boolean {
  return from === 0 && to === length && size === length;
}

async function resizeColumns(image: PlainImage, windows: readonly Window[]): Promise<PlainImage> {
  const { width, height, channels, data } = image;
  const out = new Uint8Array(windows.length * height * channels);
  let at = 0;
  let rest = BYTES_AT_ONCE;
  for (let y = 0; y < height; y++) {
    for (const { start, weights } of windows)
      for (let channel = 0; channel < channels; channel++)
        out[at++] = weigh(data, (y * width + start) * channels + channel, channels, weights);
    rest -= windows.length * channels;
    if (rest < 0) rest = await next();
  }
  return { ...image, width: windows.length, data: out };
}

async function resizeRows(image: PlainImage, windows: readonly Window[]): Promise<PlainImage> {
  const { width, channels, data } = image;
  const row = width * channels;
  const out = new Uint8Array(windows.length * row);
  let rest = BYTES_AT_ONCE;
  for (const [y, { start, weights }] of windows.entries()) {
    for (let x = 0; x < row; x++) out[y * row + x] = weigh(data, start * row + x, row, weights);
    rest -= row;
    if (rest < 0) rest = await next();
  }
  return { ...image, height: windows.length, data: out };
}

/** The weighted sum of bytes that are `step` apart, as a byte. */
function weigh(data: Uint8Array, from: number, step: number, weights: Int32Array): number {
  let sum = 1 << (PRECISION_BITS - 1);
  for (let i = 0, at = from; i < weights.length; i++, at += step) sum += (data[at] as number) * (weights[i] as number);
  const level = sum >> PRECISION_BITS;
  return level < 0 ? 0 : level > 255 ? 255 : level;
}

async function next(): Promise<number> {
  await breath();
  return BYTES_AT_ONCE;
}
