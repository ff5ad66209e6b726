import { checkConfig } from '../fields/checkConfig.js';
import type { SchedulerConfigInput } from './readSchedulerConfig.js';

/** The ways to space noise levels of which a scheduler does one. */
const SPACINGS = ['use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas', 'use_lu_lambdas'];

/** A config with fields of `overrides` in place of its own; a spacing of noise levels that is asked for switches off the one that it had. @throws ERR_CONFIG_INVALID for what is no object */
export function overrideConfig(config: SchedulerConfigInput, overrides: SchedulerConfigInput): SchedulerConfigInput {
  checkConfig('the scheduler', config);
  checkConfig('the scheduler', overrides);
  const replaced = SPACINGS.some((field) => overrides[field] === true)
    ? SPACINGS.filter((field) => config[field] === true && !(field in overrides))
    : [];
  return { ...config, ...Object.fromEntries(replaced.map((field) => [field, false])), ...overrides };
}
