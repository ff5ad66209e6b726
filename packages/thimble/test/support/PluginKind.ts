import type { Plugin } from '@thimble/core';
import { MemoryEfficientAttentionPlugin } from '@thimble/plugin-attention';
import { ChannelsLastPlugin } from '@thimble/plugin-channels-last';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { Int8ComputePlugin } from '@thimble/plugin-int8';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { PromptWeightsPlugin } from '@thimble/plugin-prompt';
import { StepCachePlugin } from '@thimble/plugin-step-cache';
import { TokenMergingPlugin } from '@thimble/plugin-token-merging';
import { TracingPlugin } from '@thimble/plugin-tracing';
import { VaeSlicingPlugin } from '@thimble/plugin-vae-slicing';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';

/** A way to compute the same. */
export interface PluginKind {
  readonly create: () => Plugin;
  /** How far a picture (values 0 to 1) may be from that without it. */
  readonly tolerance: number;
  /** Weights are stored in less, so that pictures change: cells with it are held against it alone. */
  readonly storage?: true;
  /** Layers are computed from weights of its own, and small differences before them grow: cells with it are held against the plain picture. */
  readonly own?: true;
}

/** Every official plugin but those that bring a model of their own, some in several ways; traces lie in `folder`. */
export function pluginKinds(folder: string): Readonly<Record<string, PluginKind>> {
  return {
    'model offload': { create: () => new ModelOffloadPlugin(), tolerance: 0 },
    'sequential offload': { create: () => new SequentialOffloadPlugin(), tolerance: 0 },
    slicing: { create: () => new VaeSlicingPlugin(), tolerance: 2e-5 },
    tiling: { create: () => new VaeTilingPlugin({ mode: 'seamless', budget: '1 MB' }), tolerance: 1e-4 },
    fp8: { create: () => new LayerwiseCastingPlugin(), tolerance: 0.35, storage: true },
    int8: { create: () => new LayerwiseCastingPlugin({ storageDtype: 'int8' }), tolerance: 0.05, storage: true },
    'int8 computation': {
      create: () => new Int8ComputePlugin({ minimumOperations: 0, force: true }),
      tolerance: 0.25,
      own: true,
    },
    'flash attention': { create: () => new MemoryEfficientAttentionPlugin(), tolerance: 5e-5 },
    'sliced attention': {
      create: () => new MemoryEfficientAttentionPlugin({ backend: 'sliced', sliceSize: 1 }),
      tolerance: 5e-5,
    },
    'channels last': { create: () => new ChannelsLastPlugin(), tolerance: 5e-5 },
    'prompt weights': { create: () => new PromptWeightsPlugin(), tolerance: 0 },
    // Runs of two steps compute both whole.
    'step cache': { create: () => new StepCachePlugin(), tolerance: 0 },
    'token merging': { create: () => new TokenMergingPlugin({ maxDownsample: 2 }), tolerance: 0.3, own: true },
    tracing: { create: () => new TracingPlugin({ dir: `${folder}/traces`, prepack: true }), tolerance: 5e-5 },
  };
}

/** The largest distance of two pictures or videos of one size. */
export function distance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);
}
