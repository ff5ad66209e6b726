import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { LayerwiseCastingPlugin } from '../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-conformance-test-'));
beforeAll(() => {
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
});
afterAll(() => {
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new LayerwiseCastingPlugin(), { device: 'fake', title: 'float8_e4m3fn', describe, test });
runPluginConformance(() => new LayerwiseCastingPlugin({ storageDtype: 'int8' }), {
  device: 'fake',
  title: 'int8',
  describe,
  test,
});
