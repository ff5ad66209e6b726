import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import type { Component } from '../execution/Component.js';
import type { OpenedModel } from '../extension/PluginPipeline.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { LoadPretrainedOptions, PretrainedModel } from '../models/loadPretrained.js';
import { readModelIndex } from '../weights/ModelIndex.js';
import { checkDtype, variantOf } from '../weights/PipelineDtype.js';
import { resolveModel } from '../weights/resolveModel.js';

/** Which of a checkpoint's weights are read. */
export type WeightChoice = Pick<LoadPretrainedOptions, 'dtype' | 'variant'>;

/** Where a plugin's models are opened. */
export interface ModelPlace {
  readonly components: Record<string, ComponentHandle>;
  /** Which weights the pipeline reads. */
  readonly options: WeightChoice;
  /** Opens a model that a folder holds. */
  readonly open: (name: string, folder: string, className: string, choice: WeightChoice) => Promise<Component>;
  /** Binds a model and its weights to the pipeline's device and hooks. */
  readonly bind: (name: string, pretrained: PretrainedModel) => Promise<Component>;
}

/** Opens a model for a plugin, beside those of its pipeline. See {@link PluginPipeline.open}. */
export async function openModel(
  name: string,
  from: string | PretrainedModel,
  options: LoadPretrainedOptions,
  place: ModelPlace,
): Promise<OpenedModel> {
  const { components } = place;
  const assertFree = (): void => {
    if (name in components || typeof name !== 'string' || name === '')
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'name',
        value: name,
        expected: `a name that no component has: not ${Object.keys(components).join(', ')}`,
      });
  };
  assertFree();
  const component =
    typeof from === 'string' ? await openFrom(name, from, options, place) : await place.bind(name, from);
  assertFree();
  components[name] = component;
  return {
    handle: component,
    close: async () => {
      // Something may stand in for it, such as a trace.
      await components[name]?.unload();
      await component.unload();
      delete components[name];
    },
  };
}

async function openFrom(
  name: string,
  folderOrId: string,
  { dtype, variant, ...given }: LoadPretrainedOptions,
  place: ModelPlace,
): Promise<Component> {
  checkDtype(dtype);
  const asked: WeightChoice = {
    ...(dtype === undefined ? {} : { dtype }),
    ...(variant === undefined ? {} : { variant }),
  };
  const choice = Object.keys(asked).length === 0 ? place.options : asked;
  const { subfolder, ...where } = given;
  const components = subfolder === undefined ? {} : { components: [subfolder] };
  const { folder } = await resolveModel(folderOrId, { ...where, ...components, variant: variantOf(choice) });
  const index = await readModelIndex(join(folder, subfolder ?? ''));
  return place.open(name, index.folder, index.className, choice);
}
