import { alphasCumprod } from './alphasCumprod.js';
import { betaSchedule, type BetaConfig } from './betaSchedule.js';
import { rescaleZeroTerminalSnr } from './rescaleZeroTerminalSnr.js';

/** The noise of each training timestep, rounded to float32 as in diffusers. */
export function trainedNoise(config: BetaConfig & { readonly rescale_betas_zero_snr?: boolean }): {
  readonly betas: Float32Array;
  readonly alphasCumprod: Float32Array;
} {
  const plain = betaSchedule(config);
  const betas = config.rescale_betas_zero_snr === true ? rescaleZeroTerminalSnr(plain) : plain;
  return { betas, alphasCumprod: alphasCumprod(betas) };
}
