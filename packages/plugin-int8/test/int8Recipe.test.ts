import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTensorFile, writeSafetensors } from '@thimble/core/plugin';
import { int8Recipe } from '../src/int8Recipe.js';

const SIDE = 1024;
const WEIGHTS = 48;
const MB = 2 ** 20;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thimble-int8-recipe-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

// All scales are written before the first codes: codes that were kept from then on took a whole model's size, and a run within a limit was killed while it made them.
test('holds the codes of one weight at a time, whatever is written first', async () => {
  const file = join(folder, 'model.safetensors');
  const half = new Uint16Array(SIDE * SIDE).map((_, i) => 0x2c00 + (i % 4096));
  await writeSafetensors(file, { weight: { dtype: 'F16', shape: [SIDE, SIDE], data: new Uint8Array(half.buffer) } });
  const { tensors } = await openTensorFile(file);
  const [weight] = tensors.values();
  const sources = new Map(Array.from({ length: WEIGHTS }, (_, i) => [`layer.${i}`, weight!]));
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const watched = new Map(
    [...int8Recipe(sources, new Map(), { code: 127, pair: Infinity }).tensors()].map(([name, tensor]) => [
      name,
      {
        ...tensor,
        data: () => {
          most = Math.max(most, process.memoryUsage().arrayBuffers);
          return (tensor.data as () => Uint8Array)();
        },
      },
    ]),
  );
  await writeSafetensors(join(folder, 'int8.safetensors'), watched);
  expect(most - before).toBeLessThan(16 * MB);
});
