import { type NamedStage } from '@thimble/core/plugin';

/** Where a graph pass puts layers beside those of the model: before all that changes how they are stored, laid out and computed. */
export const adaptersStage: NamedStage = {
  name: 'adapters',
  before: ['storage', 'attention', 'layout', 'int8', 'tracing'],
};

/** Where layers of weights lie that change values: below those that hold the same values in less. */
export const mergeStage: NamedStage = { name: 'merge', before: 'cast' };
