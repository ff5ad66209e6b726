// The public API of @thimble/plugin-gguf.
export { blockFormats } from './formats/blockFormats.js';
export type { GgufArray, GgufScalar, GgufValue } from './GgufArray.js';
export { blockLinears } from './nbits/blockLinears.js';
export type { BlockLinears } from './nbits/blockLinears.js';
export { GgufError } from './GgufError.js';
export { GgufFile } from './GgufFile.js';
export type { GgufOptions } from './GgufOptions.js';
export { ggufFormat, GgufPlugin, registerGguf } from './GgufPlugin.js';
