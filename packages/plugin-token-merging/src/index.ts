// The public API of @thimble/plugin-token-merging.
export { TokenMergingPlugin } from './TokenMergingPlugin.js';
export type { TokenMergingOptions } from './TokenMergingPlugin.js';
