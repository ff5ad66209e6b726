import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { LoraPlugin } from '../src/index.js';
import { randomTensors, writeLora } from './RandomLora.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-conformance-test-'));
const file = join(folder, 'tiny.safetensors');
beforeAll(async () => {
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
  const layer = 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q';
  await writeLora(
    folder,
    'tiny',
    randomTensors({ [`${layer}.lora_down.weight`]: [2, 16], [`${layer}.lora_up.weight`]: [16, 2] }),
  );
});
afterAll(() => {
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

// The fake device's numbers are made of inputs, and scales are inputs: packages/thimble/test holds pictures against a tolerance.
for (const mode of ['branch', 'fuse'] as const)
  runPluginConformance(() => new LoraPlugin([{ file }], { mode }), {
    device: 'fake',
    title: mode,
    tolerance: 2,
    describe,
    test,
  });
