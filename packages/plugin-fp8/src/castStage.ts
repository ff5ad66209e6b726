import { type NamedStage } from '@thimble/core/plugin';

/** Where layers of weights lie that hold the same values in less: on top of those that change values. */
export const castStage: NamedStage = { name: 'cast', after: 'merge' };
