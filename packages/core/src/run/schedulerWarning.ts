import type { Scheduler } from '../schedulers/Scheduler.js';
import { schedulerRegistry } from '../schedulers/schedulerRegistry.js';
import { solverSettings } from '../schedulers/solvers/solverSettings.js';
import type { WarningEvent } from './PipelineEvent.js';

/** A warning of the fields of a scheduler's config that say something about the model or the noise, and have no effect. */
export function schedulerWarning({ config, ignoredConfig }: Scheduler): WarningEvent | undefined {
  const told = ignoredConfig.filter((field) => !solverSettings.has(field));
  if (told.length === 0) return undefined;
  const values = told.map((field) => `"${field}": ${JSON.stringify(config[field])}`).join(', ');
  return {
    type: 'warning',
    code: 'WARN_SCHEDULER_CONFIG',
    message: `${config._class_name} does not have these fields of its config, which have no effect: ${values}.`,
  };
}

/**
 * A warning of a scheduler of flow matching with a UNet, which predicts noise: what comes out is noise. Transformers are trained either way.
 *
 * @param components names of the pipeline's
 */
export function flowWarning({ config }: Scheduler, components: readonly string[]): WarningEvent | undefined {
  if (!config._class_name.startsWith('FlowMatch') || !components.includes('unet')) return undefined;
  return {
    type: 'warning',
    code: 'WARN_SCHEDULER_FLOW',
    message: `${config._class_name} is for models of flow matching; the UNet of this checkpoint predicts noise, so the picture will be noise. Choose another scheduler, such as euler.`,
  };
}

/** What there is to warn of where a scheduler takes the place of another. `components` are the names of the pipeline's. */
export function schedulerWarnings(scheduler: Scheduler, components: readonly string[]): readonly WarningEvent[] {
  return [schedulerWarning(scheduler), flowWarning(scheduler, components)].filter((warning) => warning !== undefined);
}

/** What there is to warn of in a run with an η above 0 that its scheduler has no use for. */
export function etaWarnings(
  scheduler: Scheduler | undefined,
  { eta }: { readonly eta?: unknown },
): readonly WarningEvent[] {
  if (scheduler?.acceptsEta !== false || !(Number(eta) > 0)) return [];
  const names = Object.entries(schedulerRegistry).flatMap(([name, Class]) => (new Class().acceptsEta ? [name] : []));
  const problem = `eta has no effect with ${scheduler.config._class_name}, which takes no such option`;
  return [{ type: 'warning', code: 'WARN_SCHEDULER_OPTION', message: `${problem}; ${names.join(', ')} does.` }];
}
