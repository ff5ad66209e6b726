import { describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { VaeTilingPlugin } from '../src/index.js';

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new VaeTilingPlugin({ mode: 'blend', tileSampleMinSize: 32 }), {
  title: 'blended tiling',
  device: 'fake',
  tolerance: 1,
  describe,
  test,
});

// Strips are of sizes that a fake device does not know.
runPluginConformance(() => new VaeTilingPlugin({ mode: 'seamless', budget: '1MB' }), {
  title: 'seamless tiling',
  device: 'inline',
  tolerance: 1e-4,
  describe,
  test,
});
