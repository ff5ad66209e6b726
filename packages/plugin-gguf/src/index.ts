// The public API of @thimble/plugin-gguf.
export { blockFormats } from './formats/blockFormats.js';
export type { GgufArray, GgufScalar, GgufValue } from './GgufArray.js';
export { GgufError } from './GgufError.js';
export { GgufFile } from './GgufFile.js';
export { ggufFormat, GgufPlugin, registerGguf } from './GgufPlugin.js';
