import type { Tensor } from 'onnxruntime-common';
import type { Image } from '../images/Image.js';

/** Shows what latents look like. */
export interface Preview {
  /** One picture for each of the latents [n, c, h, w], in the scheduler's scale. */
  draw(latents: Tensor): Image[] | Promise<Image[]>;
}
