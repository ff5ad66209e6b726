// The public API of @thimble/plugin-step-cache.
export { StepCachePlugin } from './StepCachePlugin.js';
export type { StepCacheOptions } from './StepCachePlugin.js';
