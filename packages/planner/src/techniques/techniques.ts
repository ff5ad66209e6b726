import type { Technique } from './Technique.js';

/** Every how many steps a UNet computes everything where steps are cached: `StepCachePlugin`'s default. */
export const STEP_INTERVAL = 4;

/** What plans are put together of. A further technique is one row here, and a field of `Setup` where it changes what none of the others does. */
export const techniques: readonly Technique[] = [
  {
    title: 'model offload',
    plugin: 'thimble:model-offload',
    claims: ['residency'],
    quality: 'exact',
    setup: { residency: 'component' },
    create: async () => new (await import('@thimble/plugin-offload')).ModelOffloadPlugin(),
  },
  {
    title: 'sequential offload',
    plugin: 'thimble:sequential-offload',
    claims: ['residency'],
    quality: 'exact',
    setup: { residency: 'segment' },
    create: async () => new (await import('@thimble/plugin-offload')).SequentialOffloadPlugin(),
  },
  {
    title: 'fused attention',
    plugin: 'thimble:memory-efficient-attention',
    quality: 'exact',
    setup: { attention: 'fused' },
    create: async () => new (await import('@thimble/plugin-attention')).MemoryEfficientAttentionPlugin(),
  },
  {
    title: 'pictures decoded one by one',
    plugin: 'thimble:vae-slicing',
    quality: 'exact',
    setup: { slicing: true },
    suits: ({ count }) => count > 1,
    create: async () => new (await import('@thimble/plugin-vae-slicing')).VaeSlicingPlugin(),
  },
  {
    title: 'blended tiles',
    plugin: 'thimble:vae-tiling',
    quality: 'near',
    setup: { decoding: 'blended' },
    installed: { decoding: 'tiled' },
    create: async () => new (await import('@thimble/plugin-vae-tiling')).VaeTilingPlugin({ mode: 'blend' }),
  },
  {
    title: 'weights as float8',
    plugin: 'thimble:layerwise-casting',
    quality: 'near',
    setup: { storage: 'float8' },
    create: async () =>
      new (await import('@thimble/plugin-fp8')).LayerwiseCastingPlugin({ storageDtype: 'float8_e4m3fn' }),
  },
  {
    title: 'weights as int8',
    plugin: 'thimble:layerwise-casting',
    quality: 'near',
    setup: { storage: 'int8' },
    create: async () => new (await import('@thimble/plugin-fp8')).LayerwiseCastingPlugin({ storageDtype: 'int8' }),
  },
  {
    title: 'computed in int8',
    plugin: 'thimble:int8-compute',
    quality: 'near',
    setup: { compute: 'int8' },
    create: async () => new (await import('@thimble/plugin-int8')).Int8ComputePlugin(),
  },
  {
    title: 'steps cached',
    plugin: 'thimble:step-cache',
    quality: 'lossy',
    setup: { steps: 'cached' },
    suits: ({ steps }) => steps > STEP_INTERVAL,
    create: async () => new (await import('@thimble/plugin-step-cache')).StepCachePlugin(),
  },
  {
    title: 'tokens merged',
    plugin: 'thimble:token-merging',
    quality: 'lossy',
    setup: { tokens: 'merged' },
    create: async () => new (await import('@thimble/plugin-token-merging')).TokenMergingPlugin(),
  },
];
