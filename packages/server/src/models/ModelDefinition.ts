import { DiffusionPipeline, type FromPretrainedOptions } from '@thimble/core';
import { MemoryPlannerPlugin } from '@thimble/planner';

/** A model that a run is about to use, and what the run is asked for. */
export interface ModelRun {
  readonly pipe: DiffusionPipeline;
  readonly prompt: string;
  readonly signal: AbortSignal;
}

/** Opens a model. `signal` is aborted where nobody waits for it any more. */
export type OpenModel = (options: { readonly signal: AbortSignal }) => Promise<DiffusionPipeline>;

/** A model that a server has: a folder or hub id; the same with options of `fromPretrained`; or a function that opens one, with plugins. What is not opened by a function is planned for within its memory limit. */
export type ModelDefinition =
  | string
  | (FromPretrainedOptions & { readonly model: string })
  | {
      readonly open: OpenModel;
      /** Models of one device take turns. Default 'cpu'. */
      readonly device?: string;
      /** Called before each run, which it precedes alone: puts plugins in or out. What it throws the run fails of. */
      readonly prepare?: (run: ModelRun) => Promise<void>;
      /** The LoRAs that prompts may name, as AUTOMATIC1111's clients list them. */
      readonly loras?: () => Promise<readonly string[]>;
    };

/** A definition, made ready. */
export interface NamedModel {
  readonly open: OpenModel;
  readonly device: string;
  readonly prepare?: (run: ModelRun) => Promise<void>;
  readonly loras?: () => Promise<readonly string[]>;
}

/** Reads a definition. */
export function readModelDefinition(definition: ModelDefinition): NamedModel {
  if (typeof definition === 'string') return readModelDefinition({ model: definition });
  const { device = 'cpu' } = definition;
  if ('open' in definition) return { ...definition, device };
  const { model, plugins = [], ...options } = definition;
  const open: OpenModel = async ({ signal }) =>
    DiffusionPipeline.fromPretrained(model, { ...options, plugins: [...plugins, new MemoryPlannerPlugin()], signal });
  return { device, open };
}
