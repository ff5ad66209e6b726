import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { LoadPretrainedOptions, PretrainedModel } from '../models/loadPretrained.js';
import type { PluginHostPipeline } from './PluginHostPipeline.js';

/** The pipeline as one plugin acts on it: what it opens is closed when it is removed. */
export interface PluginPipeline extends PluginHostPipeline {
  /** Names of the components that the checkpoint has, without those that plugins opened; `undefined` until it is open, which is after the plugins given to `fromPretrained` were applied. */
  readonly ownComponents: readonly string[] | undefined;
  /**
   * Opens a model beside the pipeline's own: `await ctx.pipeline.open('controlnet', 'models/sd-controlnet-canny')`. It is one of the pipeline's components until
   * the plugin is removed: it runs on the pipeline's device, under its memory limit, and other plugins see it, those that decide what is in memory included.
   *
   * @param name under which it is in `components`
   * @param from a folder or a hub id, or what a model's `fromPretrained` gave
   * @param options what to load; without `dtype` and `variant` those of the pipeline. None for a model that is opened already
   * @throws ERR_ARGUMENT_INVALID for a name that is taken, by the checkpoint's own parts too, and for options that loading does not have; ERR_COMPONENT_UNSUPPORTED for a class that nobody knows; ERR_PLUGIN_REMOVED; what resolving and opening throw
   */
  open(name: string, from: string | PretrainedModel, options?: LoadPretrainedOptions): Promise<ComponentHandle>;
}

/** A model that a pipeline opened for a plugin. */
export interface OpenedModel {
  readonly handle: ComponentHandle;
  /** Unloads it, and takes it out of the components. */
  readonly close: () => Promise<void>;
}

/** Opens a model for a plugin; as {@link PluginPipeline.open}. */
export type OpenModel = (
  name: string,
  from: string | PretrainedModel,
  options: LoadPretrainedOptions,
) => Promise<OpenedModel>;
