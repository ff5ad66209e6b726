// The public API of @thimble/plugin-lora.
export { LoraPlugin } from './LoraPlugin.js';
export { LoraError } from './LoraError.js';
export type { LoraAdapterOptions, LoraBlockScales, LoraOptions, LoraScale } from './LoraOptions.js';
export type { LoraReport } from './LoraReport.js';
