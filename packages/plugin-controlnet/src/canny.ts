import { Image } from '@thimble/core';
import { numberField, type OptionsOf } from '@thimble/core/model';
import {
  checkMembers,
  convolveGrey,
  InputPictures,
  type OptionReading,
  readOptions,
  refuseOption,
} from '@thimble/core/plugin';

const FIELDS = {
  /** An edge goes on where the gradient is at least that: the sum of both directions, of levels from 0 to 255. Default 100. */
  lowThreshold: numberField(100, 0),
  /** An edge begins where the gradient is at least that. Default 200. */
  highThreshold: numberField(200, 0),
};

/** Options of {@link canny}. */
export type CannyOptions = OptionsOf<typeof FIELDS>;

/** Sobel's kernels, across and down. */
const ACROSS = [-1, 0, 1, -2, 0, 2, -1, 0, 1];
const DOWN = [-1, -2, -1, 0, 0, 0, 1, 2, 1];
/** Gradients go to 255 times this, and are rounded to it. */
const SCALE = 4;
/** Where a gradient counts as neither along an axis nor along a diagonal: the tangent of 22.5 degrees. */
const STEEP = Math.SQRT2 - 1;

/**
 * The edges of a picture, white on black: what ControlNets for Canny's edges look at. Gradients are sharp's convolutions; of each, the largest across it is kept, and where it is weak only beside a
 * strong one (source: J. Canny, "A Computational Approach to Edge Detection", 1986; as OpenCV's `Canny` of grey levels, to the rounding of gradients).
 *
 * @throws ERR_ARGUMENT_INVALID for what is no image or smaller than 3×3, and for a low threshold above the high one
 */
export async function canny(image: Image, options: CannyOptions = {}): Promise<Image> {
  checkMembers('image', image, 'an Image', ['width', 'height', 'data', 'channels']);
  const { lowThreshold, highThreshold } = readOptions(options, FIELDS, 'canny');
  if (lowThreshold > highThreshold)
    refuseOption('lowThreshold', lowThreshold, `at most highThreshold, ${highThreshold}`);
  const { width, height } = image;
  const [across, down] = [await convolveGrey(image, ACROSS, SCALE), await convolveGrey(image, DOWN, SCALE)];
  const edges = connected(ridges(across, down, { width, height, least: lowThreshold }), width, highThreshold);
  const data = new Uint8Array(3 * width * height);
  for (const [i, edge] of edges.entries()) if (edge) data.fill(255, 3 * i, 3 * i + 3);
  return new Image({ width, height, data });
}

/** The same of pictures that a run was given. @throws ERR_ARGUMENT_INVALID for a tensor */
export async function cannyPictures(
  pictures: InputPictures,
  { warn }: Pick<OptionReading, 'warn'>,
): Promise<InputPictures> {
  const { images } = pictures;
  if (images === undefined)
    return refuseOption(
      'controlImage',
      'a tensor',
      "an Image, a path or the bytes of a picture, with preprocessor 'canny'",
    );
  const edges: Image[] = [];
  for (const image of images) edges.push(await canny(new Image(image)));
  return InputPictures.read(edges, { option: 'controlImage', warn });
}

/** The gradient where it is at least `least` and no neighbour across the edge has a larger one; elsewhere 0. */
function ridges(
  across: Float32Array,
  down: Float32Array,
  { width, height, least }: { readonly width: number; readonly height: number; readonly least: number },
): Float32Array {
  const size = across.map((x, i) => Math.abs(x) + Math.abs(down[i] as number));
  const kept = new Float32Array(size.length);
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const own = size[i] as number;
      if (own < least || own === 0) continue;
      const step = stepAcross(across[i] as number, down[i] as number, width);
      // Of two that are as large, the first is kept.
      if (own > (size[i - step] as number) && own >= (size[i + step] as number)) kept[i] = own;
    }
  return kept;
}

/** From a pixel to the next one in the direction of the gradient. */
function stepAcross(x: number, y: number, width: number): number {
  if (Math.abs(y) <= STEEP * Math.abs(x)) return 1;
  if (Math.abs(x) <= STEEP * Math.abs(y)) return width;
  return x * y > 0 ? width + 1 : width - 1;
}

/** Ridges that are strong, or hang together with strong ones. */
function connected(sizes: Float32Array, width: number, strong: number): readonly boolean[] {
  const edges = Array.from(sizes, (size) => size > 0 && size >= strong);
  const open = edges.flatMap((edge, i) => (edge ? [i] : []));
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const step of [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1]) {
      const next = at + step;
      if (edges[next] !== false || !((sizes[next] as number) > 0)) continue;
      edges[next] = true;
      open.push(next);
    }
  return edges;
}
