import { parseBytes, ThimbleError } from '@thimble/core';

/** How a large picture is computed in little memory. */
export const TILING_MODES = ['auto', 'seamless', 'shared', 'blend'] as const;

/** One of {@link TILING_MODES}. */
export type TilingMode = (typeof TILING_MODES)[number];

/**
 * Options of a `VaeTilingPlugin`. Sizes of tiles, which `blend` and `shared` use, have diffusers' names, in pixels: either the size of a tile
 * with the share that overlaps, or sizes and strides of both axes, not some of each.
 */
export interface VaeTilingOptions {
  /**
   * - `seamless`: strip by strip, with the result of computing it whole; what memory has no room for goes to a temporary file.
   * - `shared`: blended tiles that all use the statistics of the whole picture, estimated from a small one.
   * - `blend`: diffusers' tiles, to the letter.
   * - `auto`, the default: whole where it fits the budget, else `seamless`, or `shared` where the disk is too slow or too full for that.
   */
  readonly mode?: TilingMode;
  /** What `auto`, `seamless` and `shared` may take for activations: bytes, or a text such as '250MB' (MB = 2^20 bytes). Default: half of what the memory limit, or the machine, leaves. */
  readonly budget?: number | string;
  /** The folder for temporary files; on a disk, not in memory. Default: the system's. */
  readonly tempDir?: string;
  /** Element type in the temporary file: float16 halves the traffic, and rounds. Default 'float32'. */
  readonly spillDtype?: 'float32' | 'float16';
  /** Side of a tile. Default: the VAE's `sample_size`, or the largest that the memory limit has room for. */
  readonly tileSampleMinSize?: number;
  /** Share of a tile that overlaps the next, from 0 to below 1. Default 0.25. */
  readonly tileOverlapFactor?: number;
  readonly tileSampleMinHeight?: number;
  readonly tileSampleMinWidth?: number;
  readonly tileSampleStrideHeight?: number;
  readonly tileSampleStrideWidth?: number;
}

const SIZES = [
  'tileSampleMinSize',
  'tileSampleMinHeight',
  'tileSampleMinWidth',
  'tileSampleStrideHeight',
  'tileSampleStrideWidth',
] as const;
const STRIDE_FORM = [
  'tileSampleMinHeight',
  'tileSampleMinWidth',
  'tileSampleStrideHeight',
  'tileSampleStrideWidth',
] as const;
const SPILL_DTYPES: readonly unknown[] = ['float32', 'float16'];
const KNOWN: readonly string[] = ['mode', 'budget', 'tempDir', 'spillDtype', ...SIZES, 'tileOverlapFactor'];

/** @throws ERR_ARGUMENT_INVALID for an unknown option, one out of range, a mixture of the two forms, a stride above its tile, or tiles where there are none */
export function checkTilingOptions(options: VaeTilingOptions): VaeTilingOptions {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) throw invalid(name, 'known', `one of ${KNOWN.join(', ')}`);
  checkModeOptions(options);
  for (const name of SIZES) {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
      throw invalid(name, value, 'a whole number of pixels above 0');
  }
  const { tileOverlapFactor: overlap } = options;
  if (overlap !== undefined && !(overlap >= 0 && overlap < 1))
    throw invalid('tileOverlapFactor', overlap, 'a number from 0 to below 1');
  checkStrideForm(options);
  return options;
}

function checkModeOptions(options: VaeTilingOptions): void {
  const { mode, budget, tempDir, spillDtype } = options;
  if (mode !== undefined && !TILING_MODES.includes(mode))
    throw invalid('mode', mode, `one of ${TILING_MODES.join(', ')}`);
  if (budget !== undefined) parseBytes(budget, 'budget');
  if (tempDir !== undefined && typeof tempDir !== 'string') throw invalid('tempDir', tempDir, 'the path of a folder');
  if (spillDtype !== undefined && !SPILL_DTYPES.includes(spillDtype))
    throw invalid('spillDtype', spillDtype, "'float32' or 'float16'");
  if (mode !== 'seamless') return;
  const tile = [...SIZES, 'tileOverlapFactor' as const].find((name) => options[name] !== undefined);
  if (tile !== undefined) throw invalid(tile, options[tile], "not given with mode 'seamless', which makes no tiles");
}

function checkStrideForm(options: VaeTilingOptions): void {
  const given = STRIDE_FORM.filter((name) => options[name] !== undefined);
  if (given.length === 0) return;
  const missing = STRIDE_FORM.find((name) => options[name] === undefined);
  if (missing !== undefined)
    throw invalid(missing, undefined, `a whole number of pixels: ${STRIDE_FORM.join(', ')} belong together`);
  for (const name of ['tileSampleMinSize', 'tileOverlapFactor'] as const) {
    if (options[name] !== undefined)
      throw invalid(name, options[name], 'not given beside sizes and strides of both axes, which say it all');
  }
  for (const axis of ['Height', 'Width'] as const) {
    const [size, stride] = [options[`tileSampleMin${axis}`] as number, options[`tileSampleStride${axis}`] as number];
    if (stride > size)
      throw invalid(
        `tileSampleStride${axis}`,
        stride,
        `at most tileSampleMin${axis}, ${size}: tiles further apart than they are large leave gaps`,
      );
  }
}

function invalid(argument: string, value: unknown, expected: string): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
