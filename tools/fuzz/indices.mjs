// Indices of checkpoints in several files: whatever they say, no file outside of the folder is read.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openComponentCheckpoint } from '@thimble/core/model';
import { SafetensorsFile, writeSafetensors } from '@thimble/core/plugin';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { refusalOf } from './refusalOf.mjs';
import { spoiledJson } from './spoiledJson.mjs';

const SHARDS = 3;
const SHARD_NAMES = Array.from(
  { length: SHARDS },
  (_, i) => `diffusion_pytorch_model-0000${i + 1}-of-0000${SHARDS}.safetensors`,
);

export const count = 200_000;

export async function open(sandbox) {
  const folder = join(await sandbox.makeFolder('indices'), 'unet');
  await mkdir(folder);
  const index = await writeShards(join(testCheckpoint, 'unet'), folder);
  // What lies beside the folder is nobody's.
  await writeFile(join(folder, '..', 'outside.safetensors'), await readFile(join(folder, SHARD_NAMES[0])));
  const path = join(folder, 'diffusion_pytorch_model.safetensors.index.json');
  return {
    inputs: spoiledJson([{ name: path, text: JSON.stringify(index) }]),
    tryOne: async ({ text }) => {
      await writeFile(path, text);
      const opened = await refusalOf(() => openComponentCheckpoint(folder));
      if (typeof opened === 'string') return opened;
      const stranger = opened.value.files.find((file) => !file.startsWith(folder));
      if (stranger !== undefined) throw new Error(`it leads to ${stranger}`);
      return 'opened';
    },
    close: async () => undefined,
  };
}

async function writeShards(from, to) {
  const file = await SafetensorsFile.open(join(from, 'diffusion_pytorch_model.safetensors'));
  const weight_map = {};
  const shards = SHARD_NAMES.map(() => ({}));
  // A few of its tensors: how they are named and shaped is no matter here.
  for (const [i, name] of [...file.tensors.keys()].slice(0, 24).entries()) {
    const { dtype, shape } = file.tensors.get(name);
    shards[i % SHARDS][name] = { dtype, shape, data: await file.read(name) };
    weight_map[name] = SHARD_NAMES[i % SHARDS];
  }
  for (const [i, shard] of shards.entries()) await writeSafetensors(join(to, SHARD_NAMES[i]), shard);
  await copyFile(join(from, 'config.json'), join(to, 'config.json'));
  return { metadata: { total_size: 1 }, weight_map };
}
