import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { TracingPlugin } from '../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-conformance-test-'));
beforeAll(() => {
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
});
afterAll(() => {
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new TracingPlugin({ dir: join(folder, 'traces') }), { device: 'fake', describe, test });
