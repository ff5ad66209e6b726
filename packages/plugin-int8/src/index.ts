// The public API of @thimble/plugin-int8.
export { DEFAULT_KEEP, DEFAULT_MINIMUM_OPERATIONS } from './Int8ComputeOptions.js';
export type { Int8ComputeOptions } from './Int8ComputeOptions.js';
export { INT8_COMPONENTS, Int8ComputePlugin } from './Int8ComputePlugin.js';
export { measureSensitivity } from './measureSensitivity.js';
export type { Int8Sensitivity, SensitivityOptions } from './measureSensitivity.js';
