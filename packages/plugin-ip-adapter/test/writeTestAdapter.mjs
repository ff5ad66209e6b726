// An IP-Adapter for the test kit's UNet, and its image encoder: for the tests of packages, and for the examples that are run against packed packages.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UNet2DConditionModel } from '@thimble/core';
import { writeSafetensors } from '@thimble/core/plugin';
import { testCheckpoint } from '@thimble/plugin-testkit';

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

const LAYER = 'vision_model.encoder.layers.0';
/** Shapes of the image encoder's tensors, by name. */
const VISION_SHAPES = {
  'vision_model.embeddings.class_embedding': [8],
  'vision_model.embeddings.patch_embedding.weight': [8, 3, 8, 8],
  'vision_model.embeddings.position_embedding.weight': [5, 8],
  ...norm('vision_model.pre_layrnorm', 8),
  ...linear(`${LAYER}.self_attn.q_proj`, 8, 8),
  ...linear(`${LAYER}.self_attn.k_proj`, 8, 8),
  ...linear(`${LAYER}.self_attn.v_proj`, 8, 8),
  ...linear(`${LAYER}.self_attn.out_proj`, 8, 8),
  ...norm(`${LAYER}.layer_norm1`, 8),
  ...linear(`${LAYER}.mlp.fc1`, 16, 8),
  ...linear(`${LAYER}.mlp.fc2`, 8, 16),
  ...norm(`${LAYER}.layer_norm2`, 8),
  ...norm('vision_model.post_layernorm', 8),
  'visual_projection.weight': [12, 8],
};

/** The shapes of a plain adapter for the test kit's UNet. */
export function testAdapterShapes() {
  const config = JSON.parse(readFileSync(join(testCheckpoint, 'unet/config.json'), 'utf8'));
  const { parameters } = UNet2DConditionModel.fromConfig(config);
  const own = {
    ...linear('image_proj.proj', 4 * CROSS_ATTENTION, VISION.projection_dim),
    ...norm('image_proj.norm', CROSS_ATTENTION),
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
export async function writeTestAdapter(folder, shapes = testAdapterShapes(), name = 'ip-adapter.safetensors') {
  const encoder = join(folder, 'image_encoder');
  mkdirSync(encoder, { recursive: true });
  writeFileSync(join(encoder, 'config.json'), JSON.stringify(VISION));
  await writeSafetensors(join(encoder, 'model.safetensors'), tensorsOf(VISION_SHAPES));
  const file = join(folder, name);
  await writeSafetensors(file, tensorsOf(shapes));
  return file;
}

/** Waves in place of weights. */
function tensorsOf(shapes) {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], phase) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + phase) / 3);
      return [name, { dtype: 'F32', shape, data: new Uint8Array(values.buffer) }];
    }),
  );
}

function linear(name, out, into) {
  return { [`${name}.weight`]: [out, into], [`${name}.bias`]: [out] };
}

function norm(name, width) {
  return { [`${name}.weight`]: [width], [`${name}.bias`]: [width] };
}
