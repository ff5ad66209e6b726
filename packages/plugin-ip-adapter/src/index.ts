// The public API of @thimble/plugin-ip-adapter.
export { IPAdapterPlugin } from './IPAdapterPlugin.js';
export type { IPAdapterOptions } from './IPAdapterPlugin.js';
export type { IPAdapterRunOptions } from './ipAdapterRunOptions.js';
export { IPAdapterError } from './IPAdapterError.js';
