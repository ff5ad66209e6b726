import { choiceField, integerField, type ConfigValues } from './ConfigField.js';
import { arange } from './math/arange.js';
import { linspace } from './math/linspace.js';
import { roundHalfEven } from './math/roundHalfEven.js';

/** The config fields that decide which of the training timesteps a run visits. */
export const spacingFields = {
  timestep_spacing: choiceField('leading', ['linspace', 'leading', 'trailing']),
  steps_offset: integerField(0),
};

/**
 * `count` of the training timesteps 0 … `num_train_timesteps` - 1, as integers, in descending order.
 *
 * `linspace` takes both ends; `leading` starts at `steps_offset` and goes by whole steps; `trailing` ends at the last one.
 * Where float64 makes diffusers' `trailing` one too long, ending in -1 (61 steps of 1000), the last one is left out here.
 *
 * Source: S. Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023, table 2.
 */
export function spacedTimesteps(count: number, config: ConfigValues<typeof spacingFields> & { readonly num_train_timesteps: number }): number[] {
  const trained = config.num_train_timesteps;
  switch (config.timestep_spacing) {
    case 'linspace':
      return linspace(0, trained - 1, count).map(roundHalfEven).reverse();
    case 'leading':
      return Array.from({ length: count }, (_, i) => i * Math.floor(trained / count) + config.steps_offset).reverse();
    case 'trailing':
      return arange(trained, 0, -trained / count).slice(0, count).map((t) => roundHalfEven(t) - 1);
  }
}
