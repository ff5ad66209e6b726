// The public API of @thimble/plugin-vae-slicing.
export { VaeSlicingPlugin } from './VaeSlicingPlugin.js';
