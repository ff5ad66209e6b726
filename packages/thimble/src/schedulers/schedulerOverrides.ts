import { createScheduler, type Scheduler, schedulerName } from '@thimble/core';
import { CliError } from '../CliError.js';
import type { SchedulerFlags } from './SchedulerFlags.js';

/** Which config field each option sets, and to what. */
const FIELDS: Readonly<
  Record<keyof SchedulerFlags, { readonly flag: string; readonly field: string; readonly value?: unknown }>
> = {
  karras: { flag: '--karras', field: 'use_karras_sigmas' },
  exponential: { flag: '--exponential', field: 'use_exponential_sigmas' },
  beta: { flag: '--beta', field: 'use_beta_sigmas' },
  sde: { flag: '--sde', field: 'algorithm_type', value: 'sde-dpmsolver++' },
  solverOrder: { flag: '--solver-order', field: 'solver_order' },
  spacing: { flag: '--spacing', field: 'timestep_spacing' },
};

/** The other ways to space noise levels, which one of them switches off. */
const SPACINGS = ['use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas', 'use_lu_lambdas'];

/** The fields of diffusers' config that the options ask for, in place of those in `config`. */
export function schedulerOverrides(
  flags: SchedulerFlags,
  config: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const asked = Object.entries(FIELDS).filter(([name]) => flags[name as keyof SchedulerFlags] !== undefined);
  const overrides = Object.fromEntries(
    asked.map(([name, { field, value }]) => [field, value ?? flags[name as keyof SchedulerFlags]]),
  );
  const replaced = SPACINGS.some((field) => overrides[field] === true)
    ? SPACINGS.filter((field) => config[field] === true)
    : [];
  return { ...Object.fromEntries(replaced.map((field) => [field, false])), ...overrides };
}

/** The options that have an effect with a scheduler of a config without fields of others. */
export function flagsTakenBy({ config, acceptsEta }: Scheduler): string[] {
  const taken = Object.values(FIELDS).filter(
    ({ field, value }) => field in config && (value === undefined || canBe(config._class_name, field, value)),
  );
  return [...taken.map(({ flag }) => flag), ...(acceptsEta === true ? ['--eta'] : [])];
}

/** A solver may take another one's name for its own nearest. */
function canBe(className: string, field: string, value: unknown): boolean {
  return createScheduler(className, { [field]: value }).config[field] === value;
}

/** Refuses options that a scheduler has no use for. @throws CliError naming the first of them, and the scheduler */
export function checkSchedulerFlags({ config, ignoredConfig }: Scheduler, flags: SchedulerFlags): void {
  const idle = Object.entries(FIELDS).find(
    ([name, { field, value = config[field] }]) =>
      flags[name as keyof SchedulerFlags] !== undefined && (ignoredConfig.includes(field) || config[field] !== value),
  );
  if (idle === undefined) return;
  const problem = `${idle[1].flag} has no effect with the scheduler ${schedulerName(config._class_name)}; choose another one with --scheduler: thimble schedulers tells which ones take it.`;
  throw new CliError('ERR_USAGE', { problem });
}
