// The public API of @thimble/plugin-attention.
export { ATTENTION_BACKENDS } from './AttentionBackend.js';
export type { AttentionBackend } from './AttentionBackend.js';
export { MemoryEfficientAttentionPlugin } from './MemoryEfficientAttentionPlugin.js';
export type { MemoryEfficientAttentionOptions } from './MemoryEfficientAttentionPlugin.js';
