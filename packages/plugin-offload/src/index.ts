// The public API of @thimble/plugin-offload.
export { ModelOffloadPlugin } from './ModelOffloadPlugin.js';
export type { ModelOffloadOptions } from './ModelOffloadPlugin.js';
export { SequentialOffloadPlugin } from './SequentialOffloadPlugin.js';
export type { SequentialOffloadOptions } from './SequentialOffloadPlugin.js';
