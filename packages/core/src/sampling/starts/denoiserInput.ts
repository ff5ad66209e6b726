import { checkConfig } from '../../fields/checkConfig.js';
import { ThimbleError } from '../../errors.js';
import type { ModelConfig } from '../../fields/ConfigReader.js';

/** What a denoiser takes. */
export interface DenoiserInput {
  /** Channels of latents. */
  readonly channels: number;
  /** Whether it takes a mask and the latents of the masked image beside the latents: it was trained to fill in. */
  readonly fillsIn: boolean;
}

/** What a UNet with this config takes. @throws ERR_CONFIG_UNSUPPORTED for one with other inputs, such as a picture's depths */
export function denoiserInput(config: ModelConfig): DenoiserInput {
  checkConfig('unet', config);
  const { in_channels: given = 4, out_channels: channels = 4 } = config;
  const latents = Number(channels);
  const fillsIn = given === 2 * latents + 1;
  if (given === latents || fillsIn) return { channels: latents, fillsIn };
  throw new ThimbleError('ERR_CONFIG_UNSUPPORTED', {
    component: 'unet',
    field: 'in_channels',
    value: given,
    supported: `${latents}, the latents, or ${2 * latents + 1}, with a mask and a masked image`,
  });
}
