import { ThimbleError } from '../errors.js';
import { refuseOption } from '../fields/refuseOption.js';
import { nearestName } from '../fields/nearestName.js';
import { findScheduler, type NamedScheduler, schedulerNames } from './findScheduler.js';
import { overrideConfig } from './overrideConfig.js';
import type { SchedulerConfigInput } from './readSchedulerConfig.js';
import type { Scheduler, SchedulerClass } from './Scheduler.js';
import { schedulerRegistry } from './schedulerRegistry.js';

/**
 * Makes a scheduler by its name. A name that says more than the class, such as `dpm++_2m_karras`, goes before what the config says.
 *
 * @param name its class, as `model_index.json` names it, or what people call it: see {@link findScheduler}
 * @param config diffusers' JSON
 * @param registry the classes to choose from
 * @throws `ERR_SCHEDULER_UNKNOWN` if there is no such scheduler; `ERR_CONFIG_INVALID` for a field with a value that it cannot have
 */
export function createScheduler(
  name: string,
  config: SchedulerConfigInput,
  registry: Readonly<Record<string, Pick<SchedulerClass, 'fromConfig'>>> = schedulerRegistry,
): Scheduler {
  if (typeof registry !== 'object' || registry === null) refuseOption('registry', registry, 'classes by their names');
  const { className, config: asked } = requireScheduler(name, Object.keys(registry));
  return registry[className]!.fromConfig(Object.keys(asked).length === 0 ? config : overrideConfig(config, asked));
}

/** {@link findScheduler}. @throws `ERR_SCHEDULER_UNKNOWN` naming the nearest one, and all, where there is none */
export function requireScheduler(name: string, known: readonly string[]): NamedScheduler {
  const found = findScheduler(name, known);
  if (found !== undefined) return found;
  const nearest = typeof name === 'string' ? nearestName(name, [...schedulerNames(known), ...known]) : undefined;
  throw new ThimbleError('ERR_SCHEDULER_UNKNOWN', {
    scheduler: name,
    known,
    ...(nearest === undefined ? {} : { nearest }),
  });
}
