/** What a plan may do to results: nothing but rounding (`exact`), little that is hard to see (`near`), or another picture of the same prompt (`lossy`). */
export const QUALITIES = ['exact', 'near', 'lossy'] as const;

/** One of {@link QUALITIES}. */
export type Quality = (typeof QUALITIES)[number];

/** How a pipeline computes, as far as memory and time go. Each field is a place that one technique can have. */
export interface Setup {
  /** What is loaded at once: every model, the one that is called, or one submodule. */
  readonly residency: 'all' | 'component' | 'segment';
  /** Plain attention in chunks, or the runtime's fused kernel. */
  readonly attention: 'chunked' | 'fused';
  /** Whole, or in strips where the limit has no room for that; in blended tiles; or as a tiling plugin with options of the user's own does it: whole, in strips, or in tiles. */
  readonly decoding: 'whole' | 'blended' | 'tiled';
  /** Whether pictures of a batch are decoded one by one. */
  readonly slicing: boolean;
  /** How the denoiser's weights are stored. */
  readonly storage: 'checkpoint' | 'float8' | 'int8';
  readonly compute: 'float32' | 'int8';
  /** Whether a UNet computes every step, or most of them in part. */
  readonly steps: 'all' | 'cached';
  /** Whether a UNet's largest attentions look at all tokens, or at half of them. */
  readonly tokens: 'all' | 'merged';
}

/** A pipeline without plugins. */
export const PLAIN: Setup = {
  residency: 'all',
  attention: 'chunked',
  decoding: 'whole',
  slicing: false,
  storage: 'checkpoint',
  compute: 'float32',
  steps: 'all',
  tokens: 'all',
};
