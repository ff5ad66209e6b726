import { Tensor } from '@thimble/core';
import { type PlainImage, resizeImage } from '@thimble/core/plugin';

const MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const DEVIATION = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * A picture as CLIP's image encoders take it: its shorter side resized to `size` (bicubic, as PIL does), the middle of it, normalised by channel (source: transformers
 * models/clip/image_processing_clip.py).
 *
 * @param image grey or RGB, 8 bits a channel
 * @returns float32 [1, 3, size, size]
 */
export async function clipPixels(image: PlainImage, size: number): Promise<Tensor> {
  const [short, long] = [Math.min(image.width, image.height), Math.max(image.width, image.height)];
  const other = Math.trunc((size * long) / short);
  const [width, height] = image.width <= image.height ? [size, other] : [other, size];
  const { data, channels } = await resizeImage(image, { width, height, filter: 'bicubic' });
  const [left, top] = [Math.floor((width - size) / 2), Math.floor((height - size) / 2)];
  const out = new Float32Array(3 * size * size);
  for (const [channel, mean] of MEAN.entries())
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const at = ((top + y) * width + left + x) * channels + (channels === 1 ? 0 : channel);
        out[(channel * size + y) * size + x] = ((data[at] as number) / 255 - mean) / (DEVIATION[channel] as number);
      }
  return new Tensor('float32', out, [1, 3, size, size]);
}
