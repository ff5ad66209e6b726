/**
 * Which frame of `from` each of `to` frames is a copy of, by nearest neighbour. In an odd number of several frames the first stands alone, as a
 * causal VAE makes one frame of the first latent and several of each other (source: diffusers
 * models/autoencoders/autoencoder_kl_cogvideox.py, `CogVideoXSpatialNorm3D`; models/upsampling.py, `CogVideoXUpsample3D`).
 */
export function nearestFrames(from: number, to: number): number[] {
  if (to > 1 && to % 2 === 1) return [0, ...spread(from - 1, to - 1).map((frame) => frame + 1)];
  return spread(from, to);
}

function spread(from: number, to: number): number[] {
  return Array.from({ length: to }, (_, i) => Math.floor((i * from) / to));
}
