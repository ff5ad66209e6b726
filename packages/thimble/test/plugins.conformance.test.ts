import { afterAll, beforeAll, describe, test } from '@jest/globals';
import type { Plugin } from '@thimble/core';
import { MemoryEfficientAttentionPlugin } from '@thimble/plugin-attention';
import { ChannelsLastPlugin } from '@thimble/plugin-channels-last';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { Int8ComputePlugin } from '@thimble/plugin-int8';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { TracingPlugin } from '@thimble/plugin-tracing';
import { VaeSlicingPlugin } from '@thimble/plugin-vae-slicing';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';
import { temporaryFolder } from './support/temporaryFolder.js';

const folder = temporaryFolder();
beforeAll(() => {
  process.env['THIMBLE_CACHE'] = `${folder}/cache`;
});
afterAll(() => {
  delete process.env['THIMBLE_CACHE'];
});

/** Every official plugin, with the tolerance that its README tells. */
const PLUGINS: readonly (readonly [tolerance: number, create: () => Plugin, variant?: string])[] = [
  [0, () => new ModelOffloadPlugin()],
  [0, () => new SequentialOffloadPlugin()],
  [2e-5, () => new VaeSlicingPlugin()],
  [1e-4, () => new VaeTilingPlugin({ mode: 'seamless', budget: '1MB' }), 'seamless'],
  [1, () => new VaeTilingPlugin({ mode: 'blend', tileSampleMinSize: 32 }), 'blend'],
  [0.6, () => new LayerwiseCastingPlugin(), 'float8_e4m3fn'],
  [0.2, () => new LayerwiseCastingPlugin({ storageDtype: 'int8' }), 'int8'],
  [0.6, () => new Int8ComputePlugin({ minimumOperations: 0, force: true })],
  [5e-5, () => new MemoryEfficientAttentionPlugin()],
  [5e-5, () => new ChannelsLastPlugin()],
  [5e-5, () => new TracingPlugin({ dir: `${folder}/traces` })],
];

for (const [tolerance, create, variant] of PLUGINS) {
  const { name } = create();
  runPluginConformance(create, {
    title: variant === undefined ? name : `${name}, ${variant},`,
    tolerance,
    device: 'inline',
    describe,
    test,
  });
}
