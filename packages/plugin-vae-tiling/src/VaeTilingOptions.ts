import { parseBytes } from '@thimble/core';
import {
  choiceField,
  eitherField,
  type FieldValues,
  integerField,
  numberField,
  optional,
  type OptionsOf,
  textField,
} from '@thimble/core/model';
import { readOptions, refuseOption } from '@thimble/core/plugin';

/** How a large picture is computed in little memory. */
export const TILING_MODES = ['auto', 'seamless', 'shared', 'blend'] as const;

/** One of {@link TILING_MODES}. */
export type TilingMode = (typeof TILING_MODES)[number];

const pixelsField = optional({ ...integerField(1, 1), expected: 'a whole number of pixels above 0' });

/** The options of a `VaeTilingPlugin`. */
export const vaeTilingFields = {
  /**
   * - `seamless`: strip by strip, with the result of computing it whole; what memory has no room for goes to a temporary file.
   * - `shared`: blended tiles that all use the statistics of the whole picture, estimated from a small one.
   * - `blend`: diffusers' tiles, to the letter where sizes and strides are whole latents.
   * - `auto`, the default: whole where it fits the budget, else `seamless`, or `shared` where the disk is too slow or too full for that.
   */
  mode: choiceField('auto', TILING_MODES),
  /** What `auto`, `seamless` and `shared` may take for activations: bytes, or a text such as '250MB' (MB = 2^20 bytes). Default: half of what the memory limit, or the machine, leaves. */
  budget: optional(eitherField(numberField(0), textField(''))),
  /** The folder for temporary files; on a disk, not in memory. Default: the system's. */
  tempDir: optional(textField('', 'the path of a folder')),
  /** Element type in the temporary file: float16 halves the traffic, and rounds. */
  spillDtype: choiceField('float32', ['float32', 'float16']),
  /** Side of a tile. Default: the VAE's `sample_size`, or the largest that the memory limit has room for. */
  tileSampleMinSize: pixelsField,
  /** Share of a tile that overlaps the next, from 0 to below 1. Default 0.25. */
  tileOverlapFactor: optional({
    ...numberField(0, 0, 1),
    expected: 'a number from 0 to below 1',
    accepts: (x) => typeof x === 'number' && x >= 0 && x < 1,
    schema: { type: 'number', minimum: 0, exclusiveMaximum: 1 },
  }),
  /** Height of a tile; the four go together. */
  tileSampleMinHeight: pixelsField,
  tileSampleMinWidth: pixelsField,
  /** From one tile's top to the next one's. */
  tileSampleStrideHeight: pixelsField,
  tileSampleStrideWidth: pixelsField,
};

/**
 * Options of a `VaeTilingPlugin`. Sizes of tiles, which `blend` and `shared` use, have diffusers' names, in pixels: either the size of a tile
 * with the share that overlaps, or sizes and strides of both axes, not some of each. Sizes and strides are rounded down to whole latents, 8 pixels with Stable Diffusion.
 */
export type VaeTilingOptions = OptionsOf<typeof vaeTilingFields>;

/** The same, checked, with defaults. */
export type TilingSettings = FieldValues<typeof vaeTilingFields>;

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

/** @throws ERR_ARGUMENT_INVALID for an unknown option, one out of range, a mixture of the two forms, a stride above its tile, or tiles where there are none */
export function checkTilingOptions(given: VaeTilingOptions): TilingSettings {
  const options = readOptions(given, vaeTilingFields, 'VaeTilingPlugin');
  if (options.budget !== undefined) parseBytes(options.budget, 'budget');
  if (options.mode === 'seamless') {
    const tile = [...SIZES, 'tileOverlapFactor' as const].find((name) => options[name] !== undefined);
    if (tile !== undefined) refuseOption(tile, options[tile], "not given with mode 'seamless', which makes no tiles");
  }
  checkStrideForm(options);
  return options;
}

function checkStrideForm(options: TilingSettings): void {
  const given = STRIDE_FORM.filter((name) => options[name] !== undefined);
  if (given.length === 0) return;
  const missing = STRIDE_FORM.find((name) => options[name] === undefined);
  if (missing !== undefined)
    refuseOption(missing, undefined, `a whole number of pixels: ${STRIDE_FORM.join(', ')} belong together`);
  for (const name of ['tileSampleMinSize', 'tileOverlapFactor'] as const) {
    if (options[name] !== undefined)
      refuseOption(name, options[name], 'not given beside sizes and strides of both axes, which say it all');
  }
  for (const axis of ['Height', 'Width'] as const) {
    const [size, stride] = [options[`tileSampleMin${axis}`] as number, options[`tileSampleStride${axis}`] as number];
    if (stride > size)
      refuseOption(
        `tileSampleStride${axis}`,
        stride,
        `at most tileSampleMin${axis}, ${size}: tiles further apart than they are large leave gaps`,
      );
  }
}
