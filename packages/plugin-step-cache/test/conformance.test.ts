import { describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { StepCachePlugin } from '../src/index.js';

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new StepCachePlugin({ interval: 2 }), {
  device: 'fake',
  tolerance: 1,
  run: { numInferenceSteps: 4 },
  describe,
  test,
});
