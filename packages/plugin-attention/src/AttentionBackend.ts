/** How attention is computed: by the runtime's fused kernel, in slices, or with all scores at once. */
export type AttentionBackend = 'flash' | 'sliced' | 'math';

/** All backends. */
export const ATTENTION_BACKENDS: readonly AttentionBackend[] = ['flash', 'sliced', 'math'];
