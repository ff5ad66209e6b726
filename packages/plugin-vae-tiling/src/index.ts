// The public API of @thimble/plugin-vae-tiling.
export { VaeTilingPlugin } from './VaeTilingPlugin.js';
export type { VaeTilingOptions } from './VaeTilingOptions.js';
