export { StepCachePlugin } from './StepCachePlugin.js';
export type { StepCacheOptions } from './StepCachePlugin.js';
