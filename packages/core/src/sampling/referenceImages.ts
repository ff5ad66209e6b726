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
/** FLUX.2 was made to look at no more. */
const MOST_IMAGES = 10;

/**
 * Pictures that a denoiser looks at: those of more than 1024 × 1024 pixels resized to that area (Lanczos), and the middle taken, so that sides are multiples of `multiple` (source: diffusers
 * pipelines/flux2/image_processor.py).
 *
 * @param option what the pictures were given as
 * @throws ERR_ARGUMENT_INVALID for tensors, for more than ten pictures, for sides below 64 pixels, and for more than 8 : 1; what reading throws
 */
export async function referenceImages(
  option: string,
  given: ImageInput | readonly ImageInput[],
  multiple: number,
  warn: Warn,
): Promise<readonly PlainImage[]> {
  checkImageCount(option, given);
  const loaded = await loadPictures(option, given, { background: 255, warn });
  if ('tensor' in loaded)
    return refuseOption(option, 'a tensor', 'an Image, a path, or the bytes of a picture, or a list of them');
  const images: PlainImage[] = [];
  for (const image of loaded.images) {
    checkShape(option, image);
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

/** @throws ERR_ARGUMENT_INVALID for more pictures than a model looks at */
export function checkImageCount(option: string, given: unknown): void {
  if (Array.isArray(given) && given.length > MOST_IMAGES)
    refuseOption(option, `${given.length} pictures`, `${MOST_IMAGES} pictures to look at, at most`);
}

function checkShape(option: string, { width, height }: PlainImage): void {
  const size = `${width}x${height}`;
  if (Math.min(width, height) < LEAST_SIDE) refuseOption(option, size, `sides of at least ${LEAST_SIDE} pixels`);
  if (Math.max(width, height) / Math.min(width, height) > MOST_RATIO)
    refuseOption(option, size, `sides of at most ${MOST_RATIO} : 1`);
}
