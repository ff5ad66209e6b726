// The public API of create-thimble-plugin.
export { createPlugin } from './createPlugin.js';
export type { CreatedPlugin, CreatePluginOptions } from './createPlugin.js';
