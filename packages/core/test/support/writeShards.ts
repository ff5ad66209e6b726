import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { fixturePath } from './fixturePath.js';

const WEIGHTS = 'diffusion_pytorch_model.safetensors';

/** Makes `sd-tiny-sharded` whole in `folder`: diffusers' index says which of the weights of sd-tiny's UNet lie in which shard. */
export async function writeShards(folder: string): Promise<void> {
  cpSync(fixturePath('sd-tiny-sharded'), folder, { recursive: true });
  const whole = await SafetensorsFile.open(fixturePath(`sd-tiny/unet/${WEIGHTS}`));
  const { weight_map: map } = JSON.parse(readFileSync(join(folder, 'unet', `${WEIGHTS}.index.json`), 'utf8')) as {
    weight_map: Record<string, string>;
  };
  const shards = new Map<string, Record<string, TensorToWrite>>();
  for (const [name, shard] of Object.entries(map)) {
    const { dtype, shape } = whole.tensor(name);
    shards.set(shard, { ...shards.get(shard), [name]: { dtype, shape, data: await whole.read(name) } });
  }
  for (const [shard, tensors] of shards) await writeSafetensors(join(folder, 'unet', shard), tensors, { format: 'pt' });
}
