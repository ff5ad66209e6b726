import { DiffusionPipeline, type FromPretrainedOptions } from '@thimble/core';

/** Opens a model. `signal` is aborted where nobody waits for it any more. */
export type OpenModel = (options: { readonly signal: AbortSignal }) => Promise<DiffusionPipeline>;

/** A model that a server has: a folder or hub id; the same with options of `fromPretrained`; or a function that opens one, with plugins. */
export type ModelDefinition =
  | string
  | (FromPretrainedOptions & { readonly model: string })
  | {
      readonly open: OpenModel;
      /** Models of one device take turns. Default 'cpu'. */
      readonly device?: string;
    };

/** A definition, made ready. */
export interface NamedModel {
  readonly open: OpenModel;
  readonly device: string;
}

/** Reads a definition. */
export function readModelDefinition(definition: ModelDefinition): NamedModel {
  if (typeof definition === 'string')
    return { device: 'cpu', open: async ({ signal }) => DiffusionPipeline.fromPretrained(definition, { signal }) };
  const { device = 'cpu' } = definition;
  if ('open' in definition) return { device, open: definition.open };
  const { model, ...options } = definition;
  return { device, open: async ({ signal }) => DiffusionPipeline.fromPretrained(model, { ...options, signal }) };
}
