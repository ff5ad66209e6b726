import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import type { PretrainedModel } from '../models/loadPretrained.js';
import { PIPELINES } from '../extension/tokens.js';
import { readJsonFile } from '../disk/readJsonFile.js';
import { checkDtype, variantOf } from '../weights/PipelineDtype.js';
import { type ComponentClass, type ModelIndex, readModelIndex } from '../weights/ModelIndex.js';
import { resolveModel } from '../weights/resolveModel.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { PipelineFactory } from './composition.js';
import type { Pipeline } from '../run/Pipeline.js';
import type { PipelineParts } from '../run/PipelineParts.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import type { PipelineConstructor } from './PipelineConstructor.js';
import { storedOtherwise } from './dtype.js';
import { schedulerWarning } from '../run/schedulerWarning.js';
import { SingleModelPipeline } from './SingleModelPipeline.js';

const OPTION_NAMES: readonly (keyof FromPretrainedOptions)[] = [
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

/** Parts of checkpoints that a run here does not use. */
const UNUSED = new Set(['safety_checker', 'feature_extractor', 'image_encoder']);

/** A single model's name as a component, by what its class name says. */
const COMPONENT_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^UNet/, 'unet'],
  [/^Autoencoder/, 'vae'],
  [/Transformer/, 'transformer'],
  [/^(CLIPText|T5Encoder)/, 'text_encoder'],
];

/** Opens a checkpoint as a pipeline of one of `classes`, or of one that a plugin provides. Nothing is left behind if it fails. */
export async function openPipeline(
  folderOrId: string,
  options: FromPretrainedOptions,
  classes: ReadonlyMap<string, PipelineConstructor>,
): Promise<Pipeline> {
  checkOptionNames(options, OPTION_NAMES);
  checkDtype(options.dtype);
  options.signal?.throwIfAborted();
  // Loaded only here: the container's library takes a third of the time in which core is imported.
  const { createPipelineFactory } = await import('./composition.js');
  const factory = createPipelineFactory(options);
  try {
    for (const plugin of options.plugins ?? []) await factory.host.use(plugin);
    const index = await readModelIndex(await findFolder(folderOrId, options));
    return await (index.kind === 'pipeline' ? openWhole(index, factory, options, classes) : openSingle(index, factory));
  } catch (error) {
    await factory.host.dispose();
    await (await factory.device().catch(() => undefined))?.dispose();
    throw error;
  }
}

async function findFolder(folderOrId: string, options: FromPretrainedOptions): Promise<string> {
  const { revision, signal, onProgress, localFilesOnly } = options;
  const components = (index: ModelIndex): string[] =>
    Object.keys(index.components).filter((name) => isWanted(name, index.components[name], options));
  return (
    await resolveModel(folderOrId, {
      variant: variantOf(options),
      revision,
      signal,
      onProgress,
      localFilesOnly,
      components,
    })
  ).folder;
}

function isWanted(
  name: string,
  component: ComponentClass | null | undefined,
  { components }: FromPretrainedOptions,
): boolean {
  if (component === null || component === undefined || UNUSED.has(name)) return false;
  if (components === undefined) return true;
  return isNameList(components) ? components.includes(name) : !(name in components);
}

function isNameList(components: NonNullable<FromPretrainedOptions['components']>): components is readonly string[] {
  return Array.isArray(components);
}

async function openWhole(
  index: ModelIndex,
  factory: PipelineFactory,
  options: FromPretrainedOptions,
  classes: ReadonlyMap<string, PipelineConstructor>,
): Promise<Pipeline> {
  const Class = pipelineClass(index.className, factory, classes);
  checkComponentNames(index, options);
  if (index.components['safety_checker'] != null)
    factory.warn({
      type: 'warning',
      code: 'WARN_NO_SAFETY_CHECKER',
      message: 'The checkpoint has a safety checker; thimble does not run it. Check what you show to others.',
    });
  let scheduler: PipelineParts['scheduler'];
  let tokenizer: PipelineParts['tokenizer'];
  for (const [name, component] of Object.entries(index.components)) {
    if (component === null || !isWanted(name, component, options)) continue;
    options.signal?.throwIfAborted();
    const folder = join(index.folder, name);
    if (name === 'scheduler') scheduler = await openScheduler(folder, component, factory);
    else if (name === 'tokenizer') tokenizer = await factory.createTokenizer(folder, component.className);
    else factory.components[name] = await factory.openComponent(name, folder, component.className);
  }
  if (options.components !== undefined && !isNameList(options.components))
    await takeComponents(options.components, factory);
  return new Class(await partsOf(index, factory, scheduler, tokenizer));
}

/** Models that somebody else loaded, another pipeline or `fromPretrained`: bound anew, so that this one's plugins see them and its device runs them. */
async function takeComponents(
  components: Readonly<Record<string, PretrainedModel>>,
  factory: PipelineFactory,
): Promise<void> {
  for (const [name, component] of Object.entries(components)) {
    if (!isComponent(component))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: `components.${name}`,
        value: component,
        expected: "a component of a pipeline, or what a model's fromPretrained gives",
      });
    const warning = storedOtherwise(name, component.checkpoint, component.dtype);
    if (warning !== undefined) factory.warn(warning);
    factory.components[name] = await factory.bindComponent(name, component.model, component.checkpoint);
  }
}

/** By what it has, because it may come from another copy of the package. */
function isComponent(value: unknown): value is PretrainedModel {
  return typeof value === 'object' && value !== null && 'model' in value && 'checkpoint' in value;
}

async function openSingle(index: ModelIndex, factory: PipelineFactory): Promise<Pipeline> {
  const name = COMPONENT_NAMES.find(([pattern]) => pattern.test(index.className))?.[1] ?? 'model';
  factory.components[name] = await factory.openComponent(name, index.folder, index.className);
  return new SingleModelPipeline(await partsOf(index, factory, undefined, undefined));
}

async function partsOf(
  index: ModelIndex,
  factory: PipelineFactory,
  scheduler: PipelineParts['scheduler'],
  tokenizer: PipelineParts['tokenizer'],
): Promise<PipelineParts> {
  const { components, hooks, host, turns, events } = factory;
  return {
    index,
    components,
    hooks,
    host,
    turns,
    events,
    scheduler,
    tokenizer,
    memoryLimit: factory.budget.limit,
    device: await factory.device(),
    createScheduler: (name, config) => factory.createScheduler(name, config),
  };
}

function pipelineClass(
  className: string,
  factory: PipelineFactory,
  classes: ReadonlyMap<string, PipelineConstructor>,
): PipelineConstructor {
  const found =
    (factory.services.find(PIPELINES, className) as PipelineConstructor | undefined) ?? classes.get(className);
  if (found !== undefined) return found;
  throw new ThimbleError('ERR_PIPELINE_UNSUPPORTED', { className, supported: [...classes.keys()] });
}

function checkComponentNames(index: ModelIndex, { components }: FromPretrainedOptions): void {
  if (components === undefined || !isNameList(components)) return;
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

async function openScheduler(
  folder: string,
  component: ComponentClass,
  factory: PipelineFactory,
): Promise<PipelineParts['scheduler']> {
  const config = await readJsonFile(join(folder, 'scheduler_config.json'));
  const named = config['_class_name'];
  const className = typeof named === 'string' ? named : component.className;
  const scheduler = factory.createScheduler(className, config);
  const warning = schedulerWarning(scheduler);
  if (warning !== undefined) factory.warn(warning);
  return scheduler;
}
