// The public API of @thimble/plugin-prompt.
export { PromptWeightsPlugin } from './PromptWeightsPlugin.js';
export type { PromptWeightsOptions } from './PromptWeightsPlugin.js';
export { parsePromptWeights } from './parsePromptWeights.js';
export type { PromptPiece } from './parsePromptWeights.js';
export { parseLoraTags } from './parseLoraTags.js';
export type { PromptLora, TaggedPrompt } from './parseLoraTags.js';
export { PROMPT_LORAS } from './promptLoras.js';
export type { PromptLoras } from './promptLoras.js';
export { PromptError } from './PromptError.js';
export type { Emphasis } from './weighTokens.js';
