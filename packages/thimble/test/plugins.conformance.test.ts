import { afterAll, beforeAll, describe, test } from '@jest/globals';
import type { Plugin } from '@thimble/core';
import { MemoryEfficientAttentionPlugin } from '@thimble/plugin-attention';
import { ChannelsLastPlugin } from '@thimble/plugin-channels-last';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { LoraPlugin } from '@thimble/plugin-lora';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { PromptWeightsPlugin } from '@thimble/plugin-prompt';
import { StepCachePlugin } from '@thimble/plugin-step-cache';
import { runPluginConformance, testCheckpoint } from '@thimble/plugin-testkit';
import { TokenMergingPlugin } from '@thimble/plugin-token-merging';
import { TracingPlugin } from '@thimble/plugin-tracing';
import { VaeSlicingPlugin } from '@thimble/plugin-vae-slicing';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';
import { adapterKinds } from './support/adapterKinds.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { writeTinyLora } from './support/writeTinyLora.js';

const folder = temporaryFolder();
const ADAPTERS = await adapterKinds(folder, testCheckpoint, 16);
const LORA = `${folder}/lora.safetensors`;
beforeAll(async () => {
  await writeTinyLora(LORA);
  process.env['THIMBLE_CACHE'] = `${folder}/cache`;
});
afterAll(() => {
  delete process.env['THIMBLE_CACHE'];
});

/** The rules that a real device alone can show; the others run on the fake one, in each plugin's own package. */
const RULES = [
  'installs',
  'taps-removed',
  'device-freed',
  'files-closed',
  'output-restored',
  'tolerance',
  'reinstalls',
];

/**
 * Official plugins, with the tolerance that their READMEs tell. Int8 computation and seamless tiling are held against every rule on a real device in their
 * own packages, because the fake one cannot measure or slice.
 */
const PLUGINS: readonly (readonly [tolerance: number, create: () => Plugin, variant?: string])[] = [
  [0, () => new ModelOffloadPlugin()],
  [0, () => new SequentialOffloadPlugin()],
  [2e-5, () => new VaeSlicingPlugin()],
  [1, () => new VaeTilingPlugin({ mode: 'blend', tileSampleMinSize: 32 }), 'blend'],
  [0.6, () => new LayerwiseCastingPlugin(), 'float8_e4m3fn'],
  [0.2, () => new LayerwiseCastingPlugin({ storageDtype: 'int8' }), 'int8'],
  [5e-5, () => new MemoryEfficientAttentionPlugin()],
  [0.05, () => new LoraPlugin([{ file: LORA }]), 'beside the layers'],
  [0.05, () => new LoraPlugin([{ file: LORA }], { mode: 'fuse' }), 'merged'],
  [5e-5, () => new ChannelsLastPlugin()],
  [0, () => new PromptWeightsPlugin()],
  [0.5, () => new StepCachePlugin({ interval: 3 })],
  [0.5, () => new TokenMergingPlugin()],
  [5e-5, () => new TracingPlugin({ dir: `${folder}/traces` })],
  ...Object.values(ADAPTERS).map(({ tolerance, create }) => [tolerance, create] as const),
];

for (const [tolerance, create, variant] of PLUGINS) {
  const { name } = create();
  runPluginConformance(create, {
    title: variant === undefined ? name : `${name}, ${variant},`,
    tolerance,
    device: 'inline',
    rules: RULES,
    ...(name === 'thimble:step-cache' ? { run: { numInferenceSteps: 4 } } : {}),
    describe,
    test,
  });
}
