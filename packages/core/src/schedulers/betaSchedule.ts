import { choiceField, integerField, numberField, numbersField, type ConfigValues } from './ConfigField.js';
import { linspace32 } from './math/linspace32.js';

/** The config fields that decide how much noise each training timestep adds. */
export const betaFields = {
  num_train_timesteps: integerField(1000, 1),
  beta_start: numberField(0.0001),
  beta_end: numberField(0.02),
  beta_schedule: choiceField('linear', ['linear', 'scaled_linear', 'squaredcos_cap_v2']),
  trained_betas: numbersField(),
};

/** β of each training timestep, rounded to float32 as in diffusers: `trained_betas` if given, else by `beta_schedule`. */
export function betaSchedule(config: ConfigValues<typeof betaFields>): Float32Array {
  const { num_train_timesteps: count, beta_start: start, beta_end: end } = config;
  if (config.trained_betas) return Float32Array.from(config.trained_betas);
  switch (config.beta_schedule) {
    case 'linear':
      return linspace32(start, end, count);
    case 'scaled_linear':
      return linspace32(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
    case 'squaredcos_cap_v2':
      return cosineBetas(count);
  }
}

/** Source: A. Nichol, P. Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021, eq. 17. */
function cosineBetas(count: number): Float32Array {
  const alphaBar = (t: number): number => Math.cos((t + 0.008) / 1.008 * Math.PI / 2) ** 2;
  return Float32Array.from({ length: count }, (_, i) => Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999));
}
