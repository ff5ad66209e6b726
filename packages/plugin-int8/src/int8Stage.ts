import { type NamedStage } from '@thimble/core/plugin';

/** Where passes compute in integers: behind what changes operations and their layout, before the whole graph is optimised. */
export const int8Stage: NamedStage = {
  name: 'int8',
  after: ['adapters', 'storage', 'attention', 'layout'],
  before: 'tracing',
};
