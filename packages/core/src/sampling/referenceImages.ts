import { refuseOption } from '../fields/refuseOption.js';
import { crop } from '../images/crop.js';
import { toRgb } from '../images/grey.js';
import type { ImageInput } from '../images/ImageInput.js';
import type { PlainImage } from '../images/ImageParts.js';
import { resizeImage } from '../images/resize/resizeImage.js';
import { loadPictures, type Warn } from './starts/loadPictures.js';

/** Pictures of more pixels are made smaller. */
const MOST_PIXELS = 1024 * 1024;
const LEAST_SIDE = 64;
const MOST_RATIO = 8;

/**
 * Pictures that a denoiser looks at: those of more than 1024 × 1024 pixels resized to that area (Lanczos), and the middle taken, so that sides are multiples of `multiple` (source: diffusers
 * pipelines/flux2/image_processor.py).
 *
 * @throws ERR_ARGUMENT_INVALID for tensors, for sides below 64 pixels, and for more than 8 : 1; what reading throws
 */
export async function referenceImages(
  given: ImageInput | readonly ImageInput[],
  multiple: number,
  warn: Warn,
): Promise<readonly PlainImage[]> {
  const loaded = await loadPictures('image', given, { background: 255, warn });
  if ('tensor' in loaded)
    return refuseOption('image', 'a tensor', 'an Image, a path, or the bytes of a picture, or a list of them');
  const images: PlainImage[] = [];
  for (const image of loaded.images) {
    checkShape(image);
    const [width, height] = fittingSize(image);
    const resized = width === image.width ? image : await resizeImage(image, { width, height });
    images.push(toRgb(centre(resized, multiple)));
  }
  return images;
}

/** The size of a picture whose area is not above the most. */
export function fittingSize({
  width,
  height,
}: Pick<PlainImage, 'width' | 'height'>): readonly [width: number, height: number] {
  if (width * height <= MOST_PIXELS) return [width, height];
  const factor = Math.sqrt(MOST_PIXELS / (width * height));
  return [Math.trunc(width * factor), Math.trunc(height * factor)];
}

function centre(image: PlainImage, multiple: number): PlainImage {
  const [width, height] = [image.width, image.height].map((side) => side - (side % multiple)) as [number, number];
  if (width === image.width && height === image.height) return image;
  const left = Math.floor((image.width - width) / 2);
  const top = Math.floor((image.height - height) / 2);
  return crop(image, { left, top, width, height });
}

function checkShape({ width, height }: PlainImage): void {
  const size = `${width}x${height}`;
  if (Math.min(width, height) < LEAST_SIDE) refuseOption('image', size, `sides of at least ${LEAST_SIDE} pixels`);
  if (Math.max(width, height) / Math.min(width, height) > MOST_RATIO)
    refuseOption('image', size, `sides of at most ${MOST_RATIO} : 1`);
}
