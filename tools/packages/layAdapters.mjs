import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Image, UNet2DConditionModel } from '../../packages/core/dist/index.js';
import { readTensor, SafetensorsFile, writeSafetensors } from '../../packages/core/dist/plugin.js';

/** Where examples look for an adapter, for a file of GGUF, and for a picture. */
const ADAPTER = 'models/IP-Adapter/models';
const GGUF = 'models/unet-Q4_0.gguf';

/** CLIP's image encoder of one layer; the adapter reads its pictures as 12 numbers, and writes 4 tokens of 16. */
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
const [TOKENS, WIDTH] = [4, 16];
const LAYER = 'vision_model.encoder.layers.0';

/** Shapes of the image encoder's tensors, by name. */
const VISION_SHAPES = {
  'vision_model.embeddings.class_embedding': [8],
  'vision_model.embeddings.patch_embedding.weight': [8, 3, 8, 8],
  'vision_model.embeddings.position_embedding.weight': [5, 8],
  ...norm('vision_model.pre_layrnorm'),
  ...Object.assign(
    {},
    ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map((name) => linear(`${LAYER}.self_attn.${name}`, 8, 8)),
  ),
  ...norm(`${LAYER}.layer_norm1`),
  ...linear(`${LAYER}.mlp.fc1`, 16, 8),
  ...linear(`${LAYER}.mlp.fc2`, 8, 16),
  ...norm(`${LAYER}.layer_norm2`),
  ...norm('vision_model.post_layernorm'),
  'visual_projection.weight': [12, 8],
};

/** Puts an IP-Adapter and the UNet of a checkpoint as GGUF where READMEs look for them. */
export async function layAdapters(folder, checkpoint) {
  await layAdapter(folder, checkpoint);
  await layGguf(folder, checkpoint);
}

async function layAdapter(folder, checkpoint) {
  const config = JSON.parse(await readFile(join(checkpoint, 'unet/config.json'), 'utf8'));
  const shapes = {
    ...linear('image_proj.proj', TOKENS * WIDTH, VISION.projection_dim),
    'image_proj.norm.weight': [WIDTH],
    'image_proj.norm.bias': [WIDTH],
  };
  let number = 1;
  for (const part of ['down_blocks', 'up_blocks', 'mid_block'])
    for (const { key, shape } of UNet2DConditionModel.fromConfig(config).parameters) {
      if (!key.startsWith(part) || !key.endsWith('.attn2.to_k.weight')) continue;
      shapes[`ip_adapter.${number}.to_k_ip.weight`] = shape;
      shapes[`ip_adapter.${number}.to_v_ip.weight`] = shape;
      number += 2;
    }
  const encoder = join(folder, ADAPTER, 'image_encoder');
  await mkdir(encoder, { recursive: true });
  await writeFile(join(encoder, 'config.json'), JSON.stringify(VISION));
  await writeSafetensors(join(encoder, 'model.safetensors'), waves(VISION_SHAPES));
  await writeSafetensors(join(folder, ADAPTER, 'ip-adapter_sd15.safetensors'), waves(shapes));
  await new Image({ width: 16, height: 16, data: new Uint8Array(3 * 16 * 16).fill(99) }).save(
    join(folder, 'style.png'),
  );
}

/** Version 3, every tensor in F32 at a multiple of 32 bytes. */
async function layGguf(folder, checkpoint) {
  const { tensors } = await SafetensorsFile.open(join(checkpoint, 'unet/diffusion_pytorch_model.safetensors'));
  const heads = [];
  const datas = [];
  let offset = 0;
  for (const [name, view] of tensors) {
    const data = Buffer.from(await readTensor(view));
    const head = Buffer.alloc(8 + name.length + 4 + 8 * view.shape.length + 4 + 8);
    let at = head.writeBigUInt64LE(BigInt(name.length), 0);
    at += head.write(name, at);
    at = head.writeUInt32LE(view.shape.length, at);
    for (const size of view.shape.toReversed()) at = head.writeBigUInt64LE(BigInt(size), at);
    at = head.writeUInt32LE(0, at);
    head.writeBigUInt64LE(BigInt(offset), at);
    const padded = Buffer.concat([data, Buffer.alloc(-data.length & 31)]);
    heads.push(head);
    datas.push(padded);
    offset += padded.length;
  }
  const start = Buffer.alloc(24);
  start.write('GGUF');
  start.writeUInt32LE(3, 4);
  start.writeBigUInt64LE(BigInt(heads.length), 8);
  const header = Buffer.concat([start, ...heads]);
  await mkdir(dirname(join(folder, GGUF)), { recursive: true });
  await writeFile(join(folder, GGUF), Buffer.concat([header, Buffer.alloc(-header.length & 31), ...datas]));
}

/** Waves in place of weights. */
function waves(shapes) {
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

function norm(name) {
  return { [`${name}.weight`]: [8], [`${name}.bias`]: [8] };
}
