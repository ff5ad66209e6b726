import { checkMembers } from '../fields/checkMembers.js';
import { Tensor } from 'onnxruntime-common';
import { Image } from '../images/Image.js';
import type { Component } from '../execution/Component.js';
import type { Preview } from './Preview.js';
import { latentUnscaler } from './unscaleLatents.js';

/** Height and width of the latents that the VAE is probed with: its convolutions see mostly their own kind. */
const PROBE_SIZE = 4;

/** What was measured on each VAE. */
const measured = new WeakMap<Component, LatentPreview>();

/**
 * Shows latents as small pictures by a linear map from latent channels to colours. The map is measured once, on the VAE itself: one
 * small decode of zero latents, and of each channel raised by one.
 */
export class LatentPreview implements Preview {
  readonly #base: readonly number[];
  /** Colour change per unit of each latent channel, [channels][3]. */
  readonly #slopes: readonly (readonly number[])[];

  private constructor(base: readonly number[], slopes: readonly (readonly number[])[]) {
    this.#base = base;
    this.#slopes = slopes;
  }

  /** The map of a VAE, measured at the first call. */
  static async of(vae: Component, signal?: AbortSignal): Promise<LatentPreview> {
    checkMembers('vae', vae, 'a VAE', ['config', 'decode']);
    const preview = measured.get(vae) ?? (await LatentPreview.#measure(vae, signal));
    measured.set(vae, preview);
    return preview;
  }

  static async #measure(vae: Component, signal: AbortSignal | undefined): Promise<LatentPreview> {
    const channels = Number(vae.config['latent_channels'] ?? 4);
    const unscale = latentUnscaler(vae.config);
    const pixels = PROBE_SIZE ** 2;
    const data = new Float32Array((channels + 1) * channels * pixels);
    for (let plane = 0; plane < (channels + 1) * channels; plane++) {
      const [sample, channel] = [Math.floor(plane / channels), plane % channels];
      data.fill(unscale(sample === channel + 1 ? 1 : 0, channel), plane * pixels, (plane + 1) * pixels);
    }
    const { sample } = await vae.decode(
      { z: new Tensor('float32', data, [channels + 1, channels, PROBE_SIZE, PROBE_SIZE]) },
      { signal },
    );
    const [base, ...raised] = meanColours(sample);
    return new LatentPreview(
      base as number[],
      raised.map((colour) => colour.map((value, i) => value - (base as number[])[i]!)),
    );
  }

  /** One picture per image, of the size of the latents [n, c, h, w]. */
  draw(latents: Tensor): Image[] {
    const [count, channels, height, width] = latents.dims as [number, number, number, number];
    const values = latents.data as Float32Array;
    const pixels = height * width;
    return Array.from({ length: count }, (_, n) => {
      const data = new Uint8Array(pixels * 3);
      for (let p = 0; p < pixels; p++) {
        for (let colour = 0; colour < 3; colour++) {
          let value = this.#base[colour] as number;
          for (let c = 0; c < channels; c++)
            value +=
              (this.#slopes[c] as readonly number[])[colour]! * (values[(n * channels + c) * pixels + p] as number);
          data[p * 3 + colour] = Math.round(Math.min(1, Math.max(0, value / 2 + 0.5)) * 255);
        }
      }
      return new Image({ width, height, channels: 3, data });
    });
  }
}

function meanColours(sample: Tensor): number[][] {
  const [count, colours, height, width] = sample.dims as [number, number, number, number];
  const data = sample.data as Float32Array;
  const pixels = height * width;
  return Array.from({ length: count }, (_, n) =>
    Array.from({ length: colours }, (_unused, c) => {
      const start = (n * colours + c) * pixels;
      return data.subarray(start, start + pixels).reduce((sum, value) => sum + value, 0) / pixels;
    }),
  );
}
