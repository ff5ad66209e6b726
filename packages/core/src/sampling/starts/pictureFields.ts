import { described, type Field, type FieldValues, integerField, type OptionsOf } from '../../fields/Field.js';
import { optional } from '../../fields/optionFields.js';
import { sideField } from '../../run/runFields.js';
import { imageField } from './imageField.js';

/** How much of a picture is made anew. */
const strengthField: Field<number | undefined> = {
  default: undefined,
  type: 'number',
  expected: 'a number above 0, to 1',
  accepts: (x) => typeof x === 'number' && x > 0 && x <= 1,
  schema: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  parse: (text) => (text.trim() === '' ? NaN : Number(text)),
};

/** The options of runs that begin with a picture. Every pipeline that encodes pictures takes them. */
export const pictureFields = {
  /**
   * A picture to begin with, or one for each prompt, or one for each result: an `Image`, a path, the bytes of a PNG, JPEG, WebP or AVIF, or a tensor: pixels in [0, 1],
   * float32 [n, 3, height, width], or latents as `outputType: 'latent'` gives them. The result has its size, down to multiples of the VAE's scale factor; or `width` and `height`, to which it is resized
   * (Lanczos).
   */
  image: described(
    imageField('an Image, a path, the bytes of a picture, or a float32 Tensor [n, channels, height, width]'),
    { description: 'a picture to begin with', flag: '--image <file>' },
  ),
  /**
   * What of `image` is made anew: white is, black stays; levels from 128 on count as white. As `image`; a tensor has one channel, [n, 1, height, width] in [0, 1]. Is resized to the picture's size.
   */
  maskImage: described(
    imageField('an Image, a path, the bytes of a picture, or a float32 Tensor [n, 1, height, width]'),
    { description: 'what of --image is made anew: white is, black stays', flag: '--mask <file>' },
  ),
  /**
   * How far the result may go from `image`, above 0, to 1, which is all the way: the share of the steps that is done. By default 0.8, and 1 with a mask, as in diffusers.
   */
  strength: described(strengthField, {
    description: 'how far it may go from --image, above 0, to 1',
    flag: '--strength <number>',
    defaultText: '0.8; with a mask 1',
  }),
  /**
   * Works on the part of the picture around the mask alone, with this many pixels on each side, at the size of the run; what comes out is laid over the original.
   */
  paddingMaskCrop: described(optional(integerField(0)), {
    description:
      'work on the part around the mask alone, with that many pixels on each side, and lay it over the original',
    flag: '--mask-padding <pixels>',
  }),
};

/**
 * Width and height of pictures of `multiple` pixels at the least on each side, 1024 where nothing is said: a picture to begin with has a size.
 *
 * @param reason why, with a colon before it
 */
export function pictureSides(multiple: number, reason: string): Record<'width' | 'height', Field<number | undefined>> {
  const side = described(sideField(multiple, 1024, reason) as Field<number | undefined>, {
    impliedBy: ['image'],
    defaultText: "the picture's, or 1024",
  });
  return { width: side, height: side };
}

/** The options of runs that begin with a picture. */
export type PictureOptions = OptionsOf<typeof pictureFields>;

/** The same, checked one by one. */
export type PictureValues = FieldValues<typeof pictureFields>;

declare module '../../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof pictureFields> {}
}
