import type { ModelConfig } from '../fields/ConfigReader.js';

/** How many times smaller latents are than pictures, on each side, by the VAE's config; 8 where there is no VAE. */
export function vaeScaleFactor(config: ModelConfig | undefined): number {
  const blocks = config?.['block_out_channels'];
  return 2 ** ((Array.isArray(blocks) ? blocks.length : 4) - 1);
}
