/** How attention is computed: by the runtime's fused kernel, in slices, or with all scores at once. */
export const ATTENTION_BACKENDS = ['flash', 'sliced', 'math'] as const;

/** One of {@link ATTENTION_BACKENDS}. */
export type AttentionBackend = (typeof ATTENTION_BACKENDS)[number];
