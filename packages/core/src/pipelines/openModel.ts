import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import type { Component } from '../execution/Component.js';
import { addComponent } from '../execution/componentRecord.js';
import type { OpenedModel } from '../extension/PluginPipeline.js';
import {
  checkLoadOptions,
  isPretrained,
  type LoadPretrainedOptions,
  type PretrainedModel,
} from '../models/loadPretrained.js';
import { readModelIndex } from '../weights/ModelIndex.js';
import { variantOf } from '../weights/PipelineDtype.js';
import { resolveModel } from '../weights/resolveModel.js';
import type { Composition } from './composition.js';
import { bindComponent, openComponent } from './openComponent.js';

/** Opens a model for a plugin, beside those of its pipeline. See {@link PluginPipeline.open}. */
export async function openModel(
  composition: Composition,
  name: string,
  from: string | PretrainedModel,
  options: LoadPretrainedOptions,
): Promise<OpenedModel> {
  const { components } = composition;
  assertFree(name, composition);
  checkLoadOptions(options);
  const component = isPretrained(from)
    ? await bindOpened(name, from, options, composition)
    : await openFrom(name, from, options, composition);
  // Others may have been opened meanwhile.
  assertFree(name, composition);
  addComponent(components, name, component);
  composition.brought.add(name);
  return {
    handle: component,
    close: async () => {
      await component.unload();
      // What stands in for it, such as a trace, has its checkpoint.
      if (components[name]?.checkpoint !== component.checkpoint) return;
      await components[name].unload();
      delete components[name];
      composition.brought.delete(name);
    },
  };
}

/** A model that is opened already: nothing is left to be said of how. */
async function bindOpened(
  name: string,
  { model, checkpoint }: PretrainedModel,
  options: LoadPretrainedOptions,
  composition: Composition,
): Promise<Component> {
  const [given] = Object.entries(options).filter(([, value]) => value !== undefined);
  if (given !== undefined)
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: `options.${given[0]}`,
      value: given[1],
      expected: 'no option for a model that is opened already; give it to its fromPretrained',
    });
  return bindComponent(name, model, checkpoint, composition);
}

/** What is not said of the weights, and of links, is as the pipeline has it. */
async function openFrom(
  name: string,
  folderOrId: string,
  { dtype, variant, subfolder, ...where }: LoadPretrainedOptions,
  composition: Composition,
): Promise<Component> {
  const { dtype: ownDtype, variant: ownVariant, ...others } = composition.options;
  const { allowSymlinks = others.allowSymlinks } = where;
  const own = { ...(ownDtype && { dtype: ownDtype }), ...(ownVariant && { variant: ownVariant }) };
  const asked = { ...(dtype && { dtype }), ...(variant && { variant }) };
  const choice = dtype === undefined && variant === undefined ? own : asked;
  const components = subfolder === undefined ? {} : { components: [subfolder] };
  const { folder, file } = await resolveModel(folderOrId, {
    ...where,
    ...components,
    allowSymlinks,
    variant: variantOf(choice),
  });
  if (file !== undefined) throw new ThimbleError('ERR_MODEL_FOLDER_INVALID', { folder: file, problem: 'it is a file' });
  const index = await readModelIndex(join(folder, subfolder ?? ''));
  return openComponent(name, { folder: index.folder }, index, { ...composition, options: { ...others, ...choice } });
}

function assertFree(name: string, { components, ownNames }: Composition): void {
  const taken = new Set([...Object.keys(components), ...ownNames]);
  if (typeof name === 'string' && name !== '' && !taken.has(name)) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'name',
    value: name,
    expected: `a name that no part of the pipeline has${taken.size === 0 ? '' : `: not ${[...taken].join(', ')}`}`,
  });
}
