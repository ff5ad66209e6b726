import { join } from 'node:path';
import { readJsonFile } from '../disk/readJsonFile.js';
import { ThimbleError } from '../errors.js';
import type { ServiceRegistry } from '../extension/ServiceRegistry.js';
import { MODELS, SCHEDULERS, TOKENIZERS } from '../extension/tokens.js';
import type { PipelineParts } from '../run/PipelineParts.js';
import { schedulerWarning } from '../run/schedulerWarning.js';
import { createScheduler } from '../schedulers/createScheduler.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import { shippedClipTokenizer } from '../tokenizers/shippedClipTokenizer.js';
import { createTokenizer } from '../tokenizers/createTokenizer.js';
import { createTokenizerOf } from '../tokenizers/createTokenizerOf.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';
import type { ComponentClass, ModelIndex } from '../weights/ModelIndex.js';
import { type PartPlace, placeOf } from '../weights/PartPlace.js';
import { isPassedOver, type PartKind, partKind } from '../weights/partKind.js';
import type { Composition } from './composition.js';
import { openComponent } from './openComponent.js';

/** Opens what a checkpoint holds under these names, each by the registry that knows its class. Components go into the composition's record. */
export async function openParts(
  index: ModelIndex,
  names: readonly string[],
  composition: Composition,
): Promise<Pick<PipelineParts, 'schedulers' | 'tokenizers'>> {
  const { services, components, tokenizers, options } = composition;
  const schedulers: Record<string, Scheduler> = {};
  for (const name of names) {
    options.signal?.throwIfAborted();
    const part = index.components[name] as ComponentClass;
    const { className } = part;
    const place = placeOf(index, name);
    const kind = kindOf(className, services);
    if (kind === 'model') components[name] = await openComponent(name, place, part, composition);
    if (kind === 'scheduler') schedulers[name] = await openScheduler(name, place, className, composition);
    if (kind === 'tokenizer') tokenizers[name] = await openTokenizer(place, className, composition);
  }
  return { schedulers, tokenizers };
}

/** Whether a part may be opened: a registry knows its class, or somebody should know that none does. */
export function isUsed({ className }: ComponentClass, services: ServiceRegistry): boolean {
  return services.find(MODELS, className) !== undefined || !isPassedOver(className);
}

/** Where no registry knows a class, its name says which one is to say what it has. */
export function kindOf(className: string, services: ServiceRegistry): PartKind {
  if (services.find(MODELS, className) !== undefined) return 'model';
  if (services.find(SCHEDULERS, className) !== undefined) return 'scheduler';
  if (services.find(TOKENIZERS, className) !== undefined) return 'tokenizer';
  return partKind(className);
}

/** The class is that of `model_index.json`, as in diffusers, whatever the config says; or the one that was asked for: then the checkpoint's own need not exist here. */
async function openScheduler(
  name: string,
  { folder, config: placed }: PartPlace,
  className: string,
  { services, warn, options }: Composition,
): Promise<Scheduler> {
  const asked = name === 'scheduler' && typeof options.scheduler === 'string' ? options.scheduler : undefined;
  const registry = services.named(SCHEDULERS);
  if (asked === undefined && !Object.hasOwn(registry, className))
    throw new ThimbleError('ERR_SCHEDULER_UNKNOWN', { scheduler: className, known: Object.keys(registry), folder });
  const { predictionType } = options;
  const config = {
    ...(placed ?? (await readJsonFile(join(folder, 'scheduler_config.json')))),
    ...(predictionType !== undefined && { prediction_type: predictionType }),
  };
  const scheduler = createScheduler(asked ?? className, config, registry);
  const warning = schedulerWarning(scheduler);
  if (warning !== undefined) warn(warning);
  return scheduler;
}

async function openTokenizer(
  { folder, padToken, tokenizerFiles }: PartPlace,
  className: string,
  { services }: Composition,
): Promise<Tokenizer> {
  const registry = services.named(TOKENIZERS);
  if (tokenizerFiles !== undefined) return createTokenizerOf(await tokenizerFiles(), folder, className, registry);
  if (padToken !== undefined) return shippedClipTokenizer(padToken);
  return createTokenizer(folder, className, registry);
}
