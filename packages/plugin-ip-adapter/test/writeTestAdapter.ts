import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UNet2DConditionModel } from '@thimble/core';
import { type TensorToWrite, writeSafetensors } from '@thimble/core/plugin';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { CLIPVisionModelWithProjection } from '../src/CLIPVisionModelWithProjection.js';

const VISION = {
  architectures: ['CLIPVisionModelWithProjection'],
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  image_size: 16,
  patch_size: 8,
  projection_dim: 12,
};
const CROSS_ATTENTION = 16;

/** Shapes of an adapter's tensors, by name. */
export type AdapterShapes = Record<string, readonly number[]>;

/** Waves in place of weights. */
function tensorsOf(shapes: AdapterShapes): Record<string, TensorToWrite> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], phase) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + phase) / 3);
      return [name, { dtype: 'F32', shape, data: new Uint8Array(values.buffer) }];
    }),
  );
}

/** The shapes of a plain adapter for the test kit's UNet. */
export function testAdapterShapes(): AdapterShapes {
  const config = JSON.parse(readFileSync(join(testCheckpoint, 'unet/config.json'), 'utf8')) as Record<string, unknown>;
  const { parameters } = UNet2DConditionModel.fromConfig(config);
  const own: AdapterShapes = {
    'image_proj.proj.weight': [4 * CROSS_ATTENTION, VISION.projection_dim],
    'image_proj.proj.bias': [4 * CROSS_ATTENTION],
    'image_proj.norm.weight': [CROSS_ATTENTION],
    'image_proj.norm.bias': [CROSS_ATTENTION],
  };
  let number = 1;
  for (const part of ['down_blocks', 'up_blocks', 'mid_block'])
    for (const { key, shape } of parameters) {
      if (!key.startsWith(part) || !key.endsWith('.attn2.to_k.weight')) continue;
      own[`ip_adapter.${number}.to_k_ip.weight`] = shape;
      own[`ip_adapter.${number}.to_v_ip.weight`] = shape;
      number += 2;
    }
  return own;
}

/** Writes an adapter with these tensors, and an image encoder beside it. Gives the adapter's path. */
export async function writeTestAdapter(folder: string, shapes: AdapterShapes = testAdapterShapes()): Promise<string> {
  const encoder = join(folder, 'image_encoder');
  mkdirSync(encoder, { recursive: true });
  writeFileSync(join(encoder, 'config.json'), JSON.stringify(VISION));
  const { parameters } = CLIPVisionModelWithProjection.fromConfig(VISION);
  const weights = Object.fromEntries(parameters.map(({ key, shape }) => [key, shape]));
  await writeSafetensors(join(encoder, 'model.safetensors'), tensorsOf(weights));
  const file = join(folder, 'ip-adapter.safetensors');
  await writeSafetensors(file, tensorsOf(shapes));
  return file;
}
