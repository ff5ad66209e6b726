import { describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '../src/index.js';

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new ModelOffloadPlugin(), { device: 'fake', describe, test });
runPluginConformance(() => new SequentialOffloadPlugin(), { device: 'fake', describe, test });
