import { booleanField, choiceField, numberField } from '../../fields/Field.js';
import {
  type BetaConfig,
  betaFields,
  betaSchedule,
  betaScheduleField,
  rescaleAlphasCumprod,
  stableDiffusionBetaFields,
} from '../numeric/betaSchedule.js';
import { clipFields } from '../numeric/clipOriginalSample.js';
import { linspace } from '../numeric/numpy.js';
import { PREDICTION_TYPES } from '../numeric/predictOriginalSample.js';
import { spacingFields } from '../numeric/spacedTimesteps.js';
import type { NoiseTables } from './AlphaScheduler.js';

/** The config fields of CogVideoX' schedulers. Neither clips, in diffusers either: the fields of clipping are taken and passed over. */
export const cogVideoXFields = {
  ...betaFields,
  ...spacingFields,
  ...clipFields,
  ...stableDiffusionBetaFields,
  beta_schedule: betaScheduleField('scaled_linear'),
  sample_max_value: numberField(1),
  set_alpha_to_one: booleanField(true),
  prediction_type: choiceField('epsilon', PREDICTION_TYPES),
  rescale_betas_zero_snr: booleanField(false),
  snr_shift_scale: numberField(3),
};

/**
 * The noise of each training timestep, in float64 as in diffusers: a signal-to-noise ratio that is divided by `snr_shift_scale`, then
 * rescaled to end at 0 if the config says so.
 *
 * Source: Z. Yang et al., "CogVideoX", 2024; diffusers `scheduling_ddim_cogvideox.py`.
 */
export function cogVideoXNoise(
  config: BetaConfig & { readonly rescale_betas_zero_snr: boolean; readonly snr_shift_scale: number },
): NoiseTables {
  const { snr_shift_scale: scale } = config;
  const betas = betas64(config);
  let product = 1;
  const shifted = betas.map((beta) => {
    product *= 1 - beta;
    return product / (scale + (1 - scale) * product);
  });
  return { betas, alphasCumprod: config.rescale_betas_zero_snr ? rescaleAlphasCumprod(shifted) : shifted };
}

/** Only the default schedule is in float64 in diffusers. */
function betas64(config: BetaConfig): Float64Array {
  const { num_train_timesteps: count, beta_start: start, beta_end: end } = config;
  if (config.trained_betas || config.beta_schedule !== 'scaled_linear') return Float64Array.from(betaSchedule(config));
  return Float64Array.from(linspace(Math.sqrt(start), Math.sqrt(end), count), (root) => root * root);
}
