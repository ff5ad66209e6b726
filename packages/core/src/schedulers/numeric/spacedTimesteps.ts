import { choiceField, type ConfigField, type ConfigValues, integerField } from '../../fields/Field.js';
import { arange, linspace, roundHalfEven } from './numpy.js';

/** The config fields that decide which of the training timesteps a run visits. */
export const spacingFields = {
  timestep_spacing: timestepSpacingField('leading'),
  steps_offset: integerField(0),
};

/** {@link spacingFields}, with the default of schedulers that work with noise levels. */
export const sigmaSpacingFields = { ...spacingFields, timestep_spacing: timestepSpacingField('linspace') };

type TimestepSpacing = 'linspace' | 'leading' | 'trailing';

function timestepSpacingField(value: TimestepSpacing): ConfigField<TimestepSpacing> {
  return choiceField(value, ['linspace', 'leading', 'trailing']);
}

/** Values of {@link spacingFields}, and how many timesteps were trained. */
export type SpacingConfig = ConfigValues<typeof spacingFields> & { readonly num_train_timesteps: number };

/** Every training timestep, from noise to image: what a scheduler has before it is told a number of steps. */
export function allTimesteps({ num_train_timesteps: trained }: Pick<SpacingConfig, 'num_train_timesteps'>): number[] {
  return Array.from({ length: trained }, (_, i) => trained - 1 - i);
}

/**
 * `count` of the training timesteps 0 … `num_train_timesteps` - 1, as integers, in descending order.
 *
 * `linspace` takes both ends; `leading` starts at `steps_offset` and goes by whole steps; `trailing` ends at the last one.
 * Where float64 makes diffusers' `trailing` one too long, ending in -1 (61 steps of 1000), the last one is left out here.
 *
 * Source: S. Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023, table 2.
 */
export function spacedTimesteps(count: number, config: SpacingConfig): number[] {
  if (config.timestep_spacing === 'linspace')
    return linspace(0, config.num_train_timesteps - 1, count)
      .map(roundHalfEven)
      .reverse();
  return config.timestep_spacing === 'leading' ? leadingTimesteps(count, config) : trailingTimesteps(count, config);
}

/**
 * As {@link spacedTimesteps}, for schedulers that work with noise levels: timesteps may lie between the trained ones, as float32.
 *
 * Source: diffusers `scheduling_euler_discrete.py`.
 */
export function spacedTimesteps32(count: number, config: SpacingConfig): number[] {
  if (config.timestep_spacing === 'linspace')
    return linspace(0, config.num_train_timesteps - 1, count)
      .map(Math.fround)
      .reverse();
  return spacedTimesteps(count, config);
}

/**
 * As {@link spacedTimesteps}, for multistep solvers: the last one of `count` + 1 timesteps, t = 0, is left out, because the step before
 * it goes to the image.
 *
 * @param end how many of the training timesteps, from the image on, may be visited
 *
 * Source: diffusers `scheduling_dpmsolver_multistep.py`.
 */
export function multistepTimesteps(count: number, end: number, config: SpacingConfig): number[] {
  switch (config.timestep_spacing) {
    case 'linspace':
      return linspace(0, end - 1, count + 1)
        .map(roundHalfEven)
        .reverse()
        .slice(0, -1);
    case 'leading':
      return leadingTimesteps(count + 1, { ...config, num_train_timesteps: end }).slice(0, -1);
    case 'trailing':
      return trailingTimesteps(count, config, end);
  }
}

/** The most steps of {@link multistepTimesteps}: `leading` needs a distance of at least 1 between one timestep more than steps. */
export function mostSteps({ timestep_spacing: spacing, num_train_timesteps: trained }: SpacingConfig): number {
  return spacing === 'leading' ? trained - 1 : trained;
}

function leadingTimesteps(
  count: number,
  { num_train_timesteps: trained, steps_offset: offset }: SpacingConfig,
): number[] {
  return Array.from({ length: count }, (_, i) => i * Math.floor(trained / count) + offset).reverse();
}

function trailingTimesteps(
  count: number,
  { num_train_timesteps: trained }: SpacingConfig,
  end: number = trained,
): number[] {
  return arange(end, 0, -trained / count)
    .slice(0, count)
    .map((t) => roundHalfEven(t) - 1);
}
