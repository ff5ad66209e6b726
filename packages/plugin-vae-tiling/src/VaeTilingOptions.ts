import { ThimbleError } from '@thimble/core';

/**
 * Options of a `VaeTilingPlugin`: diffusers' names, in pixels. Either the size of a tile with the share that overlaps, or sizes and strides of
 * both axes, not some of each.
 */
export interface VaeTilingOptions {
  /** Side of a tile. Default: the VAE's `sample_size`, or the largest that the memory limit has room for. */
  readonly tileSampleMinSize?: number;
  /** Share of a tile that overlaps the next, from 0 to below 1. Default 0.25. */
  readonly tileOverlapFactor?: number;
  readonly tileSampleMinHeight?: number;
  readonly tileSampleMinWidth?: number;
  readonly tileSampleStrideHeight?: number;
  readonly tileSampleStrideWidth?: number;
}

const SIZES = ['tileSampleMinSize', 'tileSampleMinHeight', 'tileSampleMinWidth', 'tileSampleStrideHeight', 'tileSampleStrideWidth'] as const;
const STRIDE_FORM = ['tileSampleMinHeight', 'tileSampleMinWidth', 'tileSampleStrideHeight', 'tileSampleStrideWidth'] as const;
const KNOWN: readonly string[] = [...SIZES, 'tileOverlapFactor'];

/** @throws ERR_ARGUMENT_INVALID for an unknown option, one out of range, a mixture of the two forms, or a stride above its tile */
export function checkTilingOptions(options: VaeTilingOptions): VaeTilingOptions {
  for (const name of Object.keys(options)) if (!KNOWN.includes(name)) throw invalid(name, 'known', `one of ${KNOWN.join(', ')}`);
  for (const name of SIZES) {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) throw invalid(name, value, 'a whole number of pixels above 0');
  }
  const { tileOverlapFactor: overlap } = options;
  if (overlap !== undefined && !(overlap >= 0 && overlap < 1)) throw invalid('tileOverlapFactor', overlap, 'a number from 0 to below 1');
  checkStrideForm(options);
  return options;
}

function checkStrideForm(options: VaeTilingOptions): void {
  const given = STRIDE_FORM.filter((name) => options[name] !== undefined);
  if (given.length === 0) return;
  const missing = STRIDE_FORM.find((name) => options[name] === undefined);
  if (missing !== undefined) throw invalid(missing, undefined, `a whole number of pixels: ${STRIDE_FORM.join(', ')} belong together`);
  for (const name of ['tileSampleMinSize', 'tileOverlapFactor'] as const) {
    if (options[name] !== undefined) throw invalid(name, options[name], 'not given beside sizes and strides of both axes, which say it all');
  }
  for (const axis of ['Height', 'Width'] as const) {
    const [size, stride] = [options[`tileSampleMin${axis}`] as number, options[`tileSampleStride${axis}`] as number];
    if (stride > size) throw invalid(`tileSampleStride${axis}`, stride, `at most tileSampleMin${axis}, ${size}: tiles further apart than they are large leave gaps`);
  }
}

function invalid(argument: string, value: unknown, expected: string): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
