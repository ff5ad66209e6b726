import { describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { TokenMergingPlugin } from '../src/index.js';

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new TokenMergingPlugin(), { device: 'fake', tolerance: 1, describe, test });
