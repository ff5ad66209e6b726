import { concat } from '../../graph/operations.js';
import { segment } from '../../graph/segment.js';
import type { Value } from '../../graph/Value.js';
import {
  type AxisPositions,
  listedRotations,
  numberedRotations,
  type RotaryAxes,
  rotaryAxes,
  type Rotation,
} from './rotaryAxes.js';
import { listed, numbered } from './samples.js';

/** Tokens of an image and of a caption come in multiples of this many. */
export const TOKEN_MULTIPLE = 32;

/** An image as patches, and the tokens that fill it up. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly padding: number;
}

/** How many tokens are missing to the next multiple. */
export function missing(tokens: number): number {
  return (TOKEN_MULTIPLE - (tokens % TOKEN_MULTIPLE)) % TOKEN_MULTIPLE;
}

/** By sample: of its image, of its caption, and of both one after the other. */
export type ZImageRotations = Readonly<Record<'images' | 'captions' | 'joint', readonly Rotation[]>>;

/**
 * Where tokens are: a caption's count along the first axis, those that fill it up too; the image lies behind them in rows and columns, and what fills it up at 0.
 *
 * @param captions [tokens, width] each
 */
export function zImageRotations(
  captions: readonly Value[],
  { rows, columns, padding }: Grid,
  axes: Pick<RotaryAxes, 'dims' | 'base'>,
): ZImageRotations {
  const made = segment('rope_embedder', numbered('caption', captions), (inner) => {
    const each = listed('caption', inner).map((caption) => {
      const length = caption.dim(0) + missing(caption.dim(0));
      const tables = (positions: AxisPositions): Rotation =>
        rotaryAxes(caption, positions, { ...axes, roundAngles: true });
      const none = counted(padding, () => 0);
      return {
        caption: tables([counted(length, (i) => 1 + i), counted(length, () => 0), counted(length, () => 0)]),
        image: tables([
          [...counted(rows * columns, () => 1 + length), ...none],
          [...counted(rows * columns, (i) => Math.floor(i / columns)), ...none],
          [...counted(rows * columns, (i) => i % columns), ...none],
        ]),
      };
    });
    const [image, caption] = [each.map((one) => one.image), each.map((one) => one.caption)];
    return {
      ...numberedRotations('image', image),
      ...numberedRotations('caption', caption),
      ...numberedRotations(
        'joint',
        image.map((one, i) => ({
          cosines: concat([one.cosines, (caption[i] as Rotation).cosines], 0),
          sines: concat([one.sines, (caption[i] as Rotation).sines], 0),
        })),
      ),
    };
  });
  return {
    images: listedRotations('image', made),
    captions: listedRotations('caption', made),
    joint: listedRotations('joint', made),
  };
}

function counted<T>(length: number, of: (i: number) => T): T[] {
  return Array.from({ length }, (_, i) => of(i));
}
