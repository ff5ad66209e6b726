import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { Int8ComputePlugin } from '../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-conformance-test-'));
beforeAll(() => {
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
});
afterAll(() => {
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

// On a real device: the fake one cannot measure what the plugin measures when it is installed.
runPluginConformance(() => new Int8ComputePlugin({ minimumOperations: 0, force: true }), {
  device: 'inline',
  tolerance: 0.6,
  describe,
  test,
});
