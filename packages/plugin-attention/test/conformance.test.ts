import { describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { MemoryEfficientAttentionPlugin } from '../src/index.js';

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new MemoryEfficientAttentionPlugin(), { device: 'fake', describe, test });
