// The public API of @thimble/plugin-controlnet.
export { ControlNetError } from './ControlNetError.js';
export { ControlNetModel } from './ControlNetModel.js';
export { ControlNetPlugin } from './ControlNetPlugin.js';
export type { ControlNetOptions } from './ControlNetOptions.js';
export type { ControlRunOptions } from './controlOptions.js';
export { canny } from './canny.js';
export type { CannyOptions } from './canny.js';
