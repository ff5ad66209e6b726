// The public API of @thimble/plugin-vae-tiling.
export { VaeTilingPlugin } from './VaeTilingPlugin.js';
export { TILING_MODES } from './VaeTilingOptions.js';
export type { TilingMode, VaeTilingOptions } from './VaeTilingOptions.js';
