import { type Component, Tensor, ThimbleError, TorchGenerator } from '@thimble/core';
import { nominalShapes } from '@thimble/core/model';
import { checkMembers, checkOptionNames } from '@thimble/core/plugin';

/** Options of {@link exampleInputs}. */
export interface ExampleInputOptions {
  /** Default 'call'. */
  readonly entry?: string | undefined;
  /** Samples; default 2, as with guidance. */
  readonly batch?: number | undefined;
  /** Sizes by the names that the entry point's inputs use for them: `height`, `width`, `latentHeight`, `latentWidth`, `tokens`. Default: the model's own. */
  readonly sizes?: Readonly<Record<string, number>> | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Inputs to trace or measure a component with: for SD 1.5's UNet `sample` [2, 4, 64, 64], `timestep` [1] and `encoder_hidden_states` [2, 77, 768], as in diffusers'
 * guide. Normal numbers from the seed.
 *
 * @throws ERR_ENTRY_UNKNOWN
 */
export function exampleInputs(
  component: Pick<Component, 'name' | 'model'>,
  options: ExampleInputOptions = {},
): Record<string, Tensor> {
  checkMembers('component', component, 'a component of a pipeline', ['name', 'model']);
  checkOptionNames(options, ['entry', 'batch', 'sizes', 'seed'], 'exampleInputs');
  const { name, model } = component;
  const { entry = 'call', batch = 2, sizes = {}, seed = 0 } = options;
  const found = model.entries[entry];
  if (found === undefined)
    throw new ThimbleError('ERR_ENTRY_UNKNOWN', {
      component: name,
      asked: entry,
      available: Object.keys(model.entries),
    });
  const generator = new TorchGenerator(seed);
  return Object.fromEntries(
    Object.entries(nominalShapes(found, { batch, ...sizes })).map(([input, { type, dims }]) => {
      if (type === 'float32') return [input, generator.randn(dims)];
      const shape = input === 'timestep' ? [1] : dims;
      return [
        input,
        new Tensor(
          'int64',
          BigInt64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 1n),
          shape,
        ),
      ];
    }),
  );
}
