import { type NamedStage } from '@thimble/core/plugin';

/** Where passes say how weights are stored: behind what adds weights, before what changes operations. */
export const storageStage: NamedStage = {
  name: 'storage',
  after: 'adapters',
  before: ['attention', 'layout', 'int8', 'tracing'],
};
