import { ThimbleError } from '../errors.js';
import type { ServiceRegistry } from '../extension/ServiceRegistry.js';
import { checkDeviceOptions } from '../device/checkDeviceOptions.js';
import type { ExecutionProvider } from '../device/ExecutionProvider.js';
import { DEVICES, MODELS, SCHEDULERS } from '../extension/tokens.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import { refuseOption } from '../fields/refuseOption.js';
import {
  checkChoice,
  checkChosen,
  type ComponentNames,
  givenComponents,
  givenNames,
  isWanted,
  namesWanted,
  sourcesIn,
} from './ComponentChoice.js';
import type { Composition } from './composition.js';
import type { Pipeline } from '../run/Pipeline.js';
import { PIPELINES, type PipelineConstructor } from '../run/PipelineConstructor.js';
import { computeFields } from '../run/computeFields.js';
import { limitFields } from '../run/runLimits.js';
import { flowWarning } from '../run/schedulerWarning.js';
import type { PipelineParts } from '../run/PipelineParts.js';
import { createScheduler, requireScheduler } from '../schedulers/createScheduler.js';
import { overrideConfig } from '../schedulers/overrideConfig.js';
import { PREDICTION_TYPES } from '../schedulers/numeric/predictOriginalSample.js';
import { isScheduler } from '../schedulers/Scheduler.js';
import type { ModelIndex } from '../weights/ModelIndex.js';
import { openModelIndex } from '../weights/openModelIndex.js';
import { placeOf } from '../weights/PartPlace.js';
import { checkDtype, variantOf } from '../weights/PipelineDtype.js';
import { storedOtherwise } from './dtype.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { bindComponent, openComponent } from './openComponent.js';
import { openModel } from './openModel.js';
import { isUsed, kindOf, openParts } from './openParts.js';
import { type ChosenPreset, checkPreset, presetOf } from './presetOf.js';
import { SingleModelPipeline } from './SingleModelPipeline.js';

const OPTION_NAMES: readonly (keyof FromPretrainedOptions)[] = [
  ...(Object.keys(limitFields) as (keyof typeof limitFields)[]),
  ...(Object.keys(computeFields) as (keyof typeof computeFields)[]),
  'variant',
  'dtype',
  'revision',
  'device',
  'deviceOptions',
  'memoryLimit',
  'components',
  'config',
  'predictionType',
  'scheduler',
  'preset',
  'plugins',
  'localFilesOnly',
  'allowSymlinks',
  'signal',
  'onProgress',
];

/** Opens a checkpoint as a pipeline of one of `classes`, or of one that a plugin provides. Nothing is left behind if it fails. */
export async function openPipeline(
  folderOrId: string,
  options: FromPretrainedOptions,
  classes: Readonly<Record<string, PipelineConstructor>>,
): Promise<Pipeline> {
  checkOptionNames(options, OPTION_NAMES, 'fromPretrained');
  checkDtype(options.dtype);
  checkChoice(options.components);
  checkPreset(options.preset);
  checkPrediction(options.predictionType);
  checkPlugins(options.plugins);
  options.signal?.throwIfAborted();
  // Loaded only here: the container's library takes a third of the time in which core is imported.
  const { compose } = await import('./composition.js');
  const composition = compose(options, classes, openModel);
  try {
    for (const plugin of options.plugins ?? []) await composition.host.use(plugin);
    checkScheduler(composition);
    checkDevice(composition);
    // It starts while the checkpoint is read. Who asks for some parts alone may only look at them.
    if (!Array.isArray(options.components)) await composition.startDevice();
    const index = await findModel(folderOrId, composition);
    const pipe = await (index.kind === 'pipeline'
      ? openWhole(folderOrId, index, composition)
      : openSingle(index, composition));
    composition.opened(pipe);
    return pipe;
  } catch (error) {
    await composition.dispose();
    throw error;
  }
}

/** @throws ERR_ARGUMENT_INVALID */
function checkPrediction(type: FromPretrainedOptions['predictionType']): void {
  if (type !== undefined && !PREDICTION_TYPES.includes(type))
    refuseOption('predictionType', type, `one of ${PREDICTION_TYPES.join(', ')}`);
}

/** What is in the list its host looks at. @throws ERR_ARGUMENT_INVALID */
function checkPlugins(plugins: unknown): void {
  const list = (plugins ?? []) as Partial<Iterable<unknown>>;
  if (typeof list[Symbol.iterator] !== 'function') refuseOption('plugins', plugins, 'a list of plugins');
}

/** Before anything is looked for. @throws ERR_SCHEDULER_UNKNOWN, ERR_ARGUMENT_INVALID */
function checkScheduler({ options: { scheduler }, services }: Composition): void {
  if (typeof scheduler === 'string') requireScheduler(scheduler, Object.keys(services.named(SCHEDULERS)));
  else if (scheduler !== undefined && !isScheduler(scheduler))
    refuseOption('scheduler', scheduler, "a scheduler, or the name of one, such as 'euler'");
}

/** A plugin's device takes what it likes. @throws ERR_ARGUMENT_INVALID */
function checkDevice({ options: { device = 'cpu', deviceOptions = {} }, services }: Composition): void {
  if (typeof device !== 'string') refuseOption('device', device, "the name of a device, such as 'cpu'");
  if (services.find(DEVICES, device) === undefined)
    checkDeviceOptions({ ...given(deviceOptions), provider: device as ExecutionProvider });
}

function given(deviceOptions: object): object {
  checkOptionNames(deviceOptions, Object.keys(deviceOptions ?? {}));
  return deviceOptions;
}

async function findModel(model: string, composition: Composition): Promise<ModelIndex> {
  const { options, services } = composition;
  const { revision, signal, onProgress, localFilesOnly, allowSymlinks, config, predictionType, components } = options;
  const sources = sourcesIn(components);
  const index = await openModelIndex(model, {
    variant: variantOf(options),
    revision,
    signal,
    onProgress,
    localFilesOnly,
    allowSymlinks,
    config,
    predictionType,
    sources,
    given: givenNames(components),
    wanted: namesWanted(components),
    components: (index) => wantedNames(index, composition).filter((name) => !Object.hasOwn(sources, name)),
    onIndex: (own) => checkNames(own, composition),
    onWarning: composition.warn,
  });
  for (const [name, value] of Object.entries(sources)) {
    const { className = '' } = index.components[name] ?? {};
    const kind = services.find(MODELS, className)?.componentName;
    if (kind !== undefined && !name.replace(/_\d+$/, '').endsWith(kind))
      refuseOption(`components.${name}`, value, `a ${name}, not a ${className}`);
  }
  return index;
}

/** @throws ERR_ARGUMENT_INVALID for a name that the model does not have */
function checkNames(index: ModelIndex, { services, options }: Composition): void {
  const Class = services.find(PIPELINES, index.className);
  if (index.kind === 'pipeline' && Class !== undefined)
    checkChosen(options.components, namesIn(index, services, Class.optionalComponents));
}

/** Names of the parts that are opened: those that are asked for, without those that come from elsewhere and those that no run uses. */
function wantedNames(index: ModelIndex, { options: { components, scheduler }, services }: Composition): string[] {
  return Object.entries(index.components).flatMap(([name, component]) => {
    if (component === null || !isUsed(component, services)) return [];
    if (name === 'scheduler' && isScheduler(scheduler)) return [];
    return isWanted(name, components) ? [name] : [];
  });
}

async function openWhole(folderOrId: string, index: ModelIndex, composition: Composition): Promise<Pipeline> {
  const { services, options } = composition;
  const Class = services.find(PIPELINES, index.className);
  if (Class === undefined)
    throw new ThimbleError('ERR_PIPELINE_UNSUPPORTED', {
      className: index.className,
      supported: Object.keys(services.named(PIPELINES)),
    });
  const wanted = wantedNames(index, composition);
  reserveNames([...wanted, ...givenNames(options.components)], composition);
  warnOfSafetyChecker(index, composition);
  const parts = await openParts(index, wanted, composition);
  await takeComponents(composition);
  const sources = sourcesIn(options.components);
  const given = [...givenNames(options.components), ...Object.keys(sources)];
  const { components } = composition;
  const chosen = await presetOf(options.preset, { folderOrId, index, components, given, sources });
  const pipe = new Class(withChosen(await partsOf(index, composition, parts), chosen, options));
  // One that somebody made is used as it is; the constructor corrects what a checkpoint brings.
  if (isScheduler(options.scheduler)) pipe.scheduler = options.scheduler;
  const flow = parts.schedulers['scheduler'] && flowWarning(parts.schedulers['scheduler'], wanted);
  if (flow !== undefined) composition.warn(flow);
  return pipe;
}

/** The parts with a preset, and with its scheduler where that goes with it and nobody named one. */
function withChosen(
  parts: PipelineParts,
  chosen: ChosenPreset | undefined,
  { scheduler: asked }: FromPretrainedOptions,
): PipelineParts {
  if (chosen === undefined) return parts;
  const { name, options, scheduler } = chosen.preset;
  const own = parts.schedulers['scheduler'];
  if (!chosen.withScheduler || asked !== undefined || own === undefined) return { ...parts, preset: { name, options } };
  const replaced = parts.createScheduler(scheduler.name, own.config, scheduler.config);
  const preset = { name, options, scheduler: replaced.config._class_name };
  return { ...parts, preset, schedulers: { ...parts.schedulers, scheduler: replaced } };
}

async function openSingle(index: ModelIndex, composition: Composition): Promise<Pipeline> {
  const { services, options, components } = composition;
  const name = services.find(MODELS, index.className)?.componentName ?? 'model';
  checkChosen(options.components, { loaded: [name], models: [name], sources: [name] });
  reserveNames([name], composition);
  if (isWanted(name, options.components))
    components[name] = await openComponent(name, placeOf(index, ''), index, composition);
  await takeComponents(composition);
  return new SingleModelPipeline(await partsOf(index, composition, { schedulers: {}, tokenizers: {} }));
}

/** What a checkpoint has under which names: parts that can be loaded, and models and tokenizers that can be given in their place, where it leaves one out, or `beside` its own. */
function namesIn(
  { components }: ModelIndex,
  services: ServiceRegistry,
  beside: readonly string[] = [],
): ComponentNames {
  const names = Object.keys(components);
  const ofKinds = (...kinds: readonly string[]): readonly string[] =>
    [...new Set([...names, ...beside])].filter((name) => {
      const component = components[name];
      return component == null || kinds.includes(kindOf(component.className, services));
    });
  return {
    loaded: names.filter((name) => components[name] !== null),
    models: ofKinds('model'),
    sources: ofKinds('model', 'tokenizer'),
  };
}

/** A plugin may have opened a model before the checkpoint was looked into. @throws ERR_ARGUMENT_INVALID if it took one of these names */
function reserveNames(names: readonly string[], { components, ownNames }: Composition): void {
  for (const name of names) {
    if (Object.hasOwn(components, name))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'name',
        value: name,
        expected: `a name for a plugin's model that no part of the checkpoint has: not ${names.join(', ')}`,
      });
    ownNames.add(name);
  }
}

function warnOfSafetyChecker({ components }: ModelIndex, { services, warn }: Composition): void {
  const unused = Object.values(components).filter((component) => component !== null && !isUsed(component, services));
  if (unused.some((component) => component?.className.endsWith('SafetyChecker')))
    warn({
      type: 'warning',
      code: 'WARN_NO_SAFETY_CHECKER',
      message: 'The checkpoint has a safety checker; thimble does not run it. Check what you show to others.',
    });
}

/** Models that somebody else loaded, another pipeline or `fromPretrained`: bound anew, so that this one's plugins see them and its device runs them. */
async function takeComponents(composition: Composition): Promise<void> {
  for (const [name, component] of givenComponents(composition.options.components)) {
    const warning = storedOtherwise(name, component.checkpoint, component.dtype);
    if (warning !== undefined) composition.warn(warning);
    composition.components[name] = await bindComponent(name, component.model, component.checkpoint, composition);
  }
}

async function partsOf(
  index: ModelIndex,
  { services, components, hooks, host, turns, events, budget, limits, compute, device }: Composition,
  { schedulers, tokenizers }: Pick<PipelineParts, 'schedulers' | 'tokenizers'>,
): Promise<PipelineParts> {
  return {
    index,
    components,
    schedulers,
    tokenizers,
    hooks,
    host,
    turns,
    events,
    memoryLimit: budget.limit,
    convolution: compute.convolution,
    limits,
    device: await device(),
    createScheduler: (name, config, overrides) => {
      checkOptionNames(overrides, Object.keys(overrides ?? {}));
      const registry = services.named(SCHEDULERS);
      const { className, config: asked } = requireScheduler(name, Object.keys(registry));
      return createScheduler(className, overrideConfig(overrideConfig(config, asked), overrides), registry);
    },
  };
}
