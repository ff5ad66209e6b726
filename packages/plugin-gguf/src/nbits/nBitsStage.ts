import type { NamedStage } from '@thimble/core/plugin';

/** Where linear layers get the operator for weights in blocks: behind whatever else may take them, such as int8, before the whole graph is optimised. */
export const nBitsStage: NamedStage = {
  name: 'nbits',
  after: ['adapters', 'storage', 'attention', 'layout', 'int8'],
  before: 'tracing',
};
