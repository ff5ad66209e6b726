import { ThimbleError } from '../errors.js';
import type { SchedulerConfigInput } from './readSchedulerConfig.js';
import type { Scheduler, SchedulerClass } from './Scheduler.js';
import { schedulerRegistry } from './schedulerRegistry.js';

/**
 * Makes the scheduler that a checkpoint names.
 *
 * @param className its class, as `model_index.json` names it
 * @param config diffusers' JSON
 * @param registry the classes to choose from
 * @throws `ERR_SCHEDULER_UNKNOWN` if there is no such class; `ERR_CONFIG_INVALID` for a field with a value that it cannot have
 */
export function createScheduler(
  className: string,
  config: SchedulerConfigInput,
  registry: Readonly<Record<string, Pick<SchedulerClass, 'fromConfig'>>> = schedulerRegistry,
): Scheduler {
  if (!Object.hasOwn(registry, className)) {
    throw new ThimbleError('ERR_SCHEDULER_UNKNOWN', { scheduler: className, known: Object.keys(registry) });
  }
  return registry[className]!.fromConfig(config);
}
