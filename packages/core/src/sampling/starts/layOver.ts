import { checkMembers } from '../../fields/checkMembers.js';
import { crop, paste } from '../../images/crop.js';
import { Image } from '../../images/Image.js';
import { resizeImage } from '../../images/resize/resizeImage.js';
import type { PictureCrop, Pictures } from './Pictures.js';

/**
 * The whole picture with what was made of its part: the part resized back, and the original over it where the mask is not white, on grey as thin as the mask is dark (source: diffusers
 * image_processor.py, `apply_overlay`; PIL's arithmetic of bytes).
 */
export async function layOver(made: Image, crop: PictureCrop): Promise<Image> {
  checkMembers('made', made, 'a picture', ['width', 'height', 'data']);
  checkMembers('crop', crop, '{ region, original, mask }', ['region', 'original', 'mask']);
  const { region, original, mask } = crop;
  const { width, height } = original;
  const data = new Uint8Array(width * height * 3);
  const canvas = { ...original, data, metadata: made.metadata };
  const back = await resizeToCover(made, region.width, region.height);
  paste(canvas, back, region.left, region.top);
  for (let i = 0; i < width * height; i++) {
    const alpha = 255 - (mask.data[i] as number);
    if (alpha === 0) continue;
    for (let channel = 0; channel < 3; channel++) {
      const at = 3 * i + channel;
      const level = throughAlpha(original.data[at] as number, alpha);
      data[at] = composite(level, data[at] as number, alpha);
    }
  }
  return new Image(canvas);
}

/** Resized to cover a size, and its middle taken. */
async function resizeToCover(image: Image, width: number, height: number): Promise<Image> {
  const ratio = width / height;
  const own = image.width / image.height;
  const size = {
    width: ratio > own ? width : Math.floor((image.width * height) / image.height),
    height: ratio <= own ? height : Math.floor((image.height * width) / image.width),
  };
  const resized = await resizeImage(image, size);
  const left = Math.floor(size.width / 2) - Math.floor(width / 2);
  const top = Math.floor(size.height / 2) - Math.floor(height / 2);
  return new Image(crop(resized, { left, top, width, height }));
}

/** What multiplying by alpha and dividing by it again leaves of a level. */
function throughAlpha(level: number, alpha: number): number {
  return Math.min(255, Math.floor((255 * byteProduct(level, alpha)) / alpha));
}

/** a · b / 255, rounded. */
function byteProduct(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/** One level over another, opaque one. PIL computes with seven bits more than bytes have. */
function composite(over: number, under: number, alpha: number): number {
  const sum = (over * alpha + under * (255 - alpha)) * 128 + (128 << 7);
  return (((sum >> 8) + sum) >> 8) >> 7;
}

/** What is done with each picture of a run that began with `pictures`, before it is handed out; `undefined` where that is nothing. */
export function finishOf(pictures: Pictures | undefined): ((made: Image) => Promise<Image>) | undefined {
  const crop = pictures?.crop;
  return crop && (async (made) => layOver(made, crop));
}
