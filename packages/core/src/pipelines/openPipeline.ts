import { ThimbleError } from '../errors.js';
import { MODELS, SCHEDULERS } from '../extension/tokens.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { PretrainedModel } from '../models/loadPretrained.js';
import type { Composition } from './composition.js';
import type { Pipeline } from '../run/Pipeline.js';
import { PIPELINES, type PipelineConstructor } from '../run/PipelineConstructor.js';
import { limitFields } from '../run/runLimits.js';
import type { PipelineParts } from '../run/PipelineParts.js';
import { createScheduler } from '../schedulers/createScheduler.js';
import { type ModelIndex, readModelIndex } from '../weights/ModelIndex.js';
import { checkDtype, variantOf } from '../weights/PipelineDtype.js';
import { resolveModel } from '../weights/resolveModel.js';
import { storedOtherwise } from './dtype.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { bindComponent, openComponent } from './openComponent.js';
import { openModel } from './openModel.js';
import { isUsed, openParts } from './openParts.js';
import { SingleModelPipeline } from './SingleModelPipeline.js';

const OPTION_NAMES: readonly (keyof FromPretrainedOptions)[] = [
  ...(Object.keys(limitFields) as (keyof typeof limitFields)[]),
  'variant',
  'dtype',
  'revision',
  'device',
  'deviceOptions',
  'memoryLimit',
  'components',
  'plugins',
  'localFilesOnly',
  'signal',
  'onProgress',
];

/** Opens a checkpoint as a pipeline of one of `classes`, or of one that a plugin provides. Nothing is left behind if it fails. */
export async function openPipeline(
  folderOrId: string,
  options: FromPretrainedOptions,
  classes: Readonly<Record<string, PipelineConstructor>>,
): Promise<Pipeline> {
  checkOptionNames(options, OPTION_NAMES);
  checkDtype(options.dtype);
  options.signal?.throwIfAborted();
  // Loaded only here: the container's library takes a third of the time in which core is imported.
  const { compose } = await import('./composition.js');
  const composition = compose(options, classes, openModel);
  try {
    for (const plugin of options.plugins ?? []) await composition.host.use(plugin);
    const index = await readModelIndex(await findFolder(folderOrId, composition));
    const pipe = await (index.kind === 'pipeline' ? openWhole(index, composition) : openSingle(index, composition));
    composition.opened();
    return pipe;
  } catch (error) {
    await composition.dispose();
    throw error;
  }
}

async function findFolder(folderOrId: string, composition: Composition): Promise<string> {
  const { revision, signal, onProgress, localFilesOnly } = composition.options;
  const { folder } = await resolveModel(folderOrId, {
    variant: variantOf(composition.options),
    revision,
    signal,
    onProgress,
    localFilesOnly,
    components: (index) => wantedNames(index, composition),
  });
  return folder;
}

/** Names of the parts that are opened: those that are asked for, without those that come from elsewhere and those that no run uses. */
function wantedNames(index: ModelIndex, { options: { components }, services }: Composition): string[] {
  return Object.entries(index.components).flatMap(([name, component]) => {
    if (component === null || !isUsed(component, services)) return [];
    const wanted = isNameList(components) ? components.includes(name) : !(name in (components ?? {}));
    return wanted ? [name] : [];
  });
}

function isNameList(components: FromPretrainedOptions['components']): components is readonly string[] {
  return Array.isArray(components);
}

async function openWhole(index: ModelIndex, composition: Composition): Promise<Pipeline> {
  const { services, options } = composition;
  const Class = services.find(PIPELINES, index.className);
  if (Class === undefined)
    throw new ThimbleError('ERR_PIPELINE_UNSUPPORTED', {
      className: index.className,
      supported: Object.keys(services.named(PIPELINES)),
    });
  checkNames(index, options);
  warnOfSafetyChecker(index, composition);
  const parts = await openParts(index, wantedNames(index, composition), composition);
  if (options.components !== undefined && !isNameList(options.components))
    await takeComponents(options.components, composition);
  return new Class(await partsOf(index, composition, parts));
}

async function openSingle(index: ModelIndex, composition: Composition): Promise<Pipeline> {
  const name = composition.services.find(MODELS, index.className)?.componentName ?? 'model';
  composition.components[name] = await openComponent(name, index.folder, index, composition);
  return new SingleModelPipeline(await partsOf(index, composition, { schedulers: {}, tokenizers: {} }));
}

function checkNames(index: ModelIndex, { components }: FromPretrainedOptions): void {
  if (!isNameList(components)) return;
  const available = Object.keys(index.components).filter((name) => index.components[name] !== null);
  for (const name of components) {
    if (!available.includes(name))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'components',
        value: name,
        expected: `names out of ${available.join(', ')}`,
      });
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
async function takeComponents(
  components: Readonly<Record<string, PretrainedModel>>,
  composition: Composition,
): Promise<void> {
  for (const [name, component] of Object.entries(components)) {
    if (!isComponent(component))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: `components.${name}`,
        value: component,
        expected: "a component of a pipeline, or what a model's fromPretrained gives",
      });
    const warning = storedOtherwise(name, component.checkpoint, component.dtype);
    if (warning !== undefined) composition.warn(warning);
    composition.components[name] = await bindComponent(name, component.model, component.checkpoint, composition);
  }
}

/** By what it has, because it may come from another copy of the package. */
function isComponent(value: unknown): value is PretrainedModel {
  return typeof value === 'object' && value !== null && 'model' in value && 'checkpoint' in value;
}

async function partsOf(
  index: ModelIndex,
  { services, components, hooks, host, turns, events, budget, limits, device }: Composition,
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
    limits,
    device: await device(),
    createScheduler: (name, config) => createScheduler(name, config, services.named(SCHEDULERS)),
  };
}
