import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import type { Component } from '../execution/Component.js';
import { addComponent } from '../execution/componentRecord.js';
import type { OpenedModel } from '../extension/PluginPipeline.js';
import type { LoadPretrainedOptions, PretrainedModel } from '../models/loadPretrained.js';
import { readModelIndex } from '../weights/ModelIndex.js';
import { checkDtype, variantOf } from '../weights/PipelineDtype.js';
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
  assertFree(name, components);
  const component =
    typeof from === 'string'
      ? await openFrom(name, from, options, composition)
      : await bindComponent(name, from.model, from.checkpoint, composition);
  assertFree(name, components);
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

/** What is not said of the weights is as the pipeline has it. */
async function openFrom(
  name: string,
  folderOrId: string,
  { dtype, variant, subfolder, ...where }: LoadPretrainedOptions,
  composition: Composition,
): Promise<Component> {
  checkDtype(dtype);
  const { dtype: ownDtype, variant: ownVariant, ...others } = composition.options;
  const own = { ...(ownDtype && { dtype: ownDtype }), ...(ownVariant && { variant: ownVariant }) };
  const asked = { ...(dtype && { dtype }), ...(variant && { variant }) };
  const choice = dtype === undefined && variant === undefined ? own : asked;
  const components = subfolder === undefined ? {} : { components: [subfolder] };
  const { folder } = await resolveModel(folderOrId, { ...where, ...components, variant: variantOf(choice) });
  const index = await readModelIndex(join(folder, subfolder ?? ''));
  return openComponent(name, index.folder, index, { ...composition, options: { ...others, ...choice } });
}

function assertFree(name: string, components: Readonly<Record<string, Component>>): void {
  if (typeof name === 'string' && name !== '' && !(name in components)) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'name',
    value: name,
    expected: `a name that no component has: not ${Object.keys(components).join(', ')}`,
  });
}
