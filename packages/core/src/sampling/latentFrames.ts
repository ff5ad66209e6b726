/** A video's number of frames in latents. */
export interface LatentFrames {
  readonly latentFrames: number;
  /** How many frames the VAE makes of them. */
  readonly decoded: number;
  /** What is to be said where that is not the number that was asked for. */
  readonly warning: string | undefined;
}

/**
 * How many latent frames make `frames`, with a VAE that makes `factor` frames of each but the first. As diffusers: frames that do not fit are left out
 * or added by the VAE.
 */
export function latentFramesOf(frames: number, factor: number): LatentFrames {
  const latentFrames = Math.floor((frames - 1) / factor) + 1;
  const decoded = latentFrames % 2 === 0 ? latentFrames * factor : (latentFrames - 1) * factor + 1;
  const warning = `The video will have ${decoded} frames, not ${frames}: the VAE makes 1 frame of the first latent frame and ${factor} of each other, or ${factor} of each if their number is even. Multiples of ${2 * factor} fit, and one more.`;
  return { latentFrames, decoded, warning: decoded === frames ? undefined : warning };
}
