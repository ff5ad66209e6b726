import { Tensor } from 'onnxruntime-common';
import { mapTensor } from '../../schedulers/numeric/tensors.js';
import { concatChannels } from '../concatChannels.js';
import { drawLatents, drawsLatents, encodeImages, forResults } from './encodeImages.js';
import { type ImageStart, imageLatents } from './fromImage.js';
import { blankOut, latentMask } from './maskOf.js';
import type { StartMask } from './Pictures.js';
import type { Start } from './Start.js';
import { unitNoise } from './unitNoise.js';

/** What a start from a picture and a mask is made of. */
export interface MaskStart extends ImageStart {
  readonly mask: StartMask;
  /** Whether the denoiser takes the mask and the masked picture beside the latents. */
  readonly fillsIn: boolean;
  /** Whether the run goes all the way, from noise alone. */
  readonly whole: boolean;
  /** The size of the run, in pixels. */
  readonly width: number;
  readonly height: number;
}

/**
 * Begins as {@link fromImage}, or from noise alone, and keeps what the mask protects (source: diffusers pipelines/stable_diffusion/pipeline_stable_diffusion_inpaint.py). A denoiser that
 * was trained to fill in is given the mask and the picture without what it covers. For another one the protected latents are put back after each step, under the noise of the next.
 *
 * Draws the picture's latents where they are needed, the noise, and the masked picture's latents; another denoiser has no use for those, but later draws come after them.
 */
export async function fromImageAndMask(parts: MaskStart): Promise<Start> {
  const { scheduler, beginIndex, whole, fillsIn, image, dims } = parts;
  const [count, ...sizes] = dims;
  const original = whole && fillsIn ? undefined : await imageLatents(parts);
  const noise = await unitNoise(parts);
  const latents = firstLatents(parts, noise, original);
  const mask = forResults(latentMask(parts.mask, parts, sizes[2]), count);
  if (fillsIn || original === undefined) return { latents, beginIndex, modelInput: await filling(parts, mask) };
  if (image.latents === undefined && drawsLatents(parts.vae)) drawLatents({ ...parts, count }, [image.count, ...sizes]);
  const protectedAt = (next: number | undefined): Tensor =>
    next === undefined ? original : scheduler.addNoise(original, noise, [next]);
  return { latents, beginIndex, afterStep: (made, next) => blend(mask, made, protectedAt(next)) };
}

function firstLatents(
  { scheduler, beginIndex, whole, noisy = true }: MaskStart,
  noise: Tensor,
  original: Tensor | undefined,
): Tensor {
  if (original === undefined || (whole && noisy)) {
    const sigma = scheduler.initNoiseSigma;
    return mapTensor(noise, (x) => x * sigma);
  }
  return noisy ? scheduler.addNoise(original, noise, [scheduler.timesteps[beginIndex] as number]) : original;
}

/** Puts the mask and the latents of the masked picture beside the latents. */
async function filling(parts: MaskStart, mask: Tensor): Promise<NonNullable<Start['modelInput']>> {
  const { vae, image, options, generator, dims } = parts;
  const [count] = dims;
  const blank = blankOut(image.pixels(), parts.mask);
  const masked = forResults(await encodeImages(vae, blank, { generator, count }, options), count);
  return (latents) => concatChannels([latents, mask, masked]);
}

/** `made` where the mask [n, 1, h, w] is 1, `kept` where it is 0, both [n, c, h, w]. */
function blend(mask: Tensor, made: Tensor, kept: Tensor): Tensor {
  const [, channels = 1, height = 1, width = 1] = made.dims;
  const plane = height * width;
  const [bits, a, b] = [mask.data as Float32Array, made.data as Float32Array, kept.data as Float32Array];
  const data = a.map((value, i) => {
    const sample = Math.floor(i / (channels * plane));
    return bits[sample * plane + (i % plane)] === 1 ? value : (b[i] as number);
  });
  return new Tensor('float32', data, made.dims);
}
