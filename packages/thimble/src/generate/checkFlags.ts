import { existsSync } from 'node:fs';
import { createScheduler } from '@thimble/core';
import type { Fields } from '@thimble/core/model';
import { readOptions, refuseOption } from '@thimble/core/plugin';
import { checkSchedulerFlags, schedulerOverrides } from '../schedulers/schedulerOverrides.js';
import type { SchedulerFlags } from '../schedulers/SchedulerFlags.js';
import { givenOptions } from './fieldOptions.js';
import type { GenerateFlags } from './GenerateFlags.js';
import { checkSettings } from './setOptions.js';

/** Noise levels that nearly every model was trained with. */
const TRAINED_STEPS = 1000;

/** The options that are judged. */
type CheckedFlags = SchedulerFlags & Pick<GenerateFlags, 'model' | 'use' | 'size' | 'scheduler' | 'option'>;

/**
 * Refuses what no model does, before one is opened or fetched: a scheduler that is none, options that it has no use for; of a model that is not on this disk
 * yet also sizes and steps that none of the hub's takes.
 *
 * @throws CliError; `ERR_SCHEDULER_UNKNOWN`, `ERR_CONFIG_INVALID`, `ERR_ARGUMENT_INVALID`
 */
export function checkFlags(flags: CheckedFlags, fields: Fields): void {
  const { model, use, size = {}, scheduler: name } = flags;
  checkSettings(flags.option, fields);
  // A plugin may bring schedulers of its own.
  if (name !== undefined && use.length === 0) {
    const { _class_name: className } = createScheduler(name, {}).config;
    const scheduler = createScheduler(className, schedulerOverrides(flags));
    checkSchedulerFlags(scheduler, flags);
  }
  if (existsSync(model)) return;
  const { width, height } = fields;
  readOptions(size, { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) });
  const steps = Number(givenOptions(fields, flags)['numInferenceSteps'] ?? 1);
  if (steps > TRAINED_STEPS)
    refuseOption(
      'numInferenceSteps',
      steps,
      `an integer from 1 to ${TRAINED_STEPS}, as many as models know noise levels`,
    );
}
