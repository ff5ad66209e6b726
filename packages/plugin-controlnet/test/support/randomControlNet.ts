import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '@thimble/core/plugin';
import { ControlNetModel } from '../../src/index.js';

/** Writes a ControlNet for the UNet of a checkpoint, with random weights, and gives its folder. `changed` are other fields of its config. */
export async function writeRandomControlNet(
  folder: string,
  checkpoint: string,
  changed: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const unet = JSON.parse(readFileSync(join(checkpoint, 'unet', 'config.json'), 'utf8')) as Record<string, unknown>;
  const { up_block_types, sample_size, out_channels, ...shared } = unet;
  void [up_block_types, sample_size, out_channels];
  const config = {
    ...shared,
    _class_name: 'ControlNetModel',
    conditioning_embedding_out_channels: [4, 4, 6, 8],
    ...changed,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  let state = 7;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
  const tensors = ControlNetModel.fromConfig(config).parameters.map(({ key, shape }) => {
    const gain = shape.length === 1 && key.includes('norm') && key.endsWith('weight') ? 1 : 0;
    const size = shape.reduce((a, b) => a * b, 1);
    const scale = shape.length === 1 ? 0.1 : 1.5 / Math.sqrt(size / (shape[0] as number));
    const values = Float32Array.from({ length: size }, () => gain + scale * random());
    return [key, { dtype: 'F32' as const, shape, data: new Uint8Array(values.buffer) }] as const;
  });
  await writeSafetensors(join(folder, 'diffusion_pytorch_model.safetensors'), Object.fromEntries(tensors));
  return folder;
}
