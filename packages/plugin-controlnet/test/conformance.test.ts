import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from '@jest/globals';
import { Image } from '@thimble/core';
import { runPluginConformance, testCheckpoint } from '@thimble/plugin-testkit';
import { ControlNetPlugin } from '../src/index.js';
import { writeRandomControlNet } from './support/randomControlNet.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-controlnet-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = await writeRandomControlNet(folder, testCheckpoint);
const image = new Image({
  width: 64,
  height: 64,
  data: Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 7) % 256),
});

// The fake device's numbers tell nothing of what is computed: packages/thimble/test holds pictures against the tolerance.
runPluginConformance(() => new ControlNetPlugin({ model, image }), { device: 'fake', tolerance: 1, describe, test });
