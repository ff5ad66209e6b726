import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { ChannelsLastPlugin } from '../packages/plugin-channels-last/dist/index.js';
import { LayerwiseCastingPlugin } from '../packages/plugin-fp8/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '../packages/plugin-offload/dist/index.js';
import { StepCachePlugin } from '../packages/plugin-step-cache/dist/index.js';
import { TokenMergingPlugin } from '../packages/plugin-token-merging/dist/index.js';
import { TracingPlugin } from '../packages/plugin-tracing/dist/index.js';
import { VaeSlicingPlugin } from '../packages/plugin-vae-slicing/dist/index.js';
import { VaeTilingPlugin } from '../packages/plugin-vae-tiling/dist/index.js';

/** Runs whose memory is drawn: what a technique changes of one, and which run it is compared with. `plugins` is told a folder for the files that it makes; `warm` runs find them there. */
export const TECHNIQUES = {
  plain: { label: 'nothing' },
  'memory-limit': { label: "memoryLimit: '256MB'", against: 'plain', memoryLimit: '256MB' },
  'model-offload': { label: 'ModelOffloadPlugin', against: 'plain', plugins: () => [new ModelOffloadPlugin()] },
  'sequential-offload': {
    label: 'SequentialOffloadPlugin',
    against: 'plain',
    plugins: () => [new SequentialOffloadPlugin()],
  },
  attention: {
    label: 'MemoryEfficientAttentionPlugin',
    against: 'plain',
    plugins: () => [new MemoryEfficientAttentionPlugin()],
  },
  'vae-tiling': {
    label: "VaeTilingPlugin({ budget: '250MB' })",
    against: 'plain',
    plugins: () => [new VaeTilingPlugin({ budget: '250MB' })],
  },
  fp8: { label: 'LayerwiseCastingPlugin', against: 'plain', plugins: () => [new LayerwiseCastingPlugin()] },
  int8: { label: 'Int8ComputePlugin', against: 'plain', plugins: () => [new Int8ComputePlugin()] },
  'channels-last': {
    label: "ChannelsLastPlugin({ components: ['unet'] })",
    against: 'plain',
    plugins: () => [new ChannelsLastPlugin({ components: ['unet'] })],
  },
  tracing: {
    label: 'TracingPlugin({ prepack: true })',
    against: 'plain',
    plugins: (folder) => [new TracingPlugin({ dir: folder, prepack: true, components: ['unet'] })],
    warm: true,
  },
  'step-cache': {
    label: 'StepCachePlugin({ interval: 2 })',
    against: 'plain',
    plugins: () => [new StepCachePlugin({ interval: 2 })],
  },
  'token-merging': { label: 'TokenMergingPlugin', against: 'plain', plugins: () => [new TokenMergingPlugin()] },
  direct: { label: "convolution: 'direct'", convolution: 'direct' },
  convolutions: { label: "convolution: 'winograd'", against: 'direct' },
  batch: { label: 'nothing', count: 4, size: 256 },
  'vae-slicing': {
    label: 'VaeSlicingPlugin',
    against: 'batch',
    count: 4,
    size: 256,
    plugins: () => [new VaeSlicingPlugin()],
  },
};
