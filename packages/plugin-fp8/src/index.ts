// The public API of @thimble/plugin-fp8.
export { applyLayerwiseCasting } from './applyLayerwiseCasting.js';
export type { ApplyLayerwiseCastingOptions, LayerwiseCasting } from './applyLayerwiseCasting.js';
export { LayerwiseCastingPlugin } from './LayerwiseCastingPlugin.js';
export type { LayerwiseCastingOptions } from './LayerwiseCastingPlugin.js';
export { DEFAULT_SKIP_MODULES_PATTERN, STORAGE_DTYPES } from './LayerwiseCastingOptions.js';
export type { CastingOptions, StorageDtype } from './LayerwiseCastingOptions.js';
