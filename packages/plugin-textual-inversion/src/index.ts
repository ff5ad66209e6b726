// The public API of @thimble/plugin-textual-inversion.
export { TextualInversionError } from './TextualInversionError.js';
export { TextualInversionPlugin } from './TextualInversionPlugin.js';
export type { TextualInversionOptions } from './TextualInversionOptions.js';
