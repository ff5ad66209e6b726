// node tools/checkpoints/make-checkpoint.mjs: writes the checkpoint of @thimble/plugin-testkit, a complete Stable Diffusion of some 80,000 random
// weights in diffusers' layout. Always the same; run it after `npm run build` where its configs change.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AutoencoderKL, CLIPTextModel, TorchGenerator, UNet2DConditionModel } from '../../packages/core/dist/index.js';
import { writeSafetensors } from '../../packages/core/dist/plugin.js';

const OUT = fileURLToPath(new URL('../../packages/plugin-testkit/checkpoint', import.meta.url));
const MERGES = ['t h', 'th e</w>', 'a n', 'i n', 'o n', 'c a', 'ca t</w>'];
const SPECIAL = ['<|startoftext|>', '<|endoftext|>'];

const vocabulary = Object.fromEntries(
  [
    ...byteCharacters(),
    ...byteCharacters().map((c) => `${c}</w>`),
    ...MERGES.map((merge) => merge.replace(' ', '')),
    ...SPECIAL,
  ].map((token, id) => [token, id]),
);
const tokens = Object.keys(vocabulary).length;

const UNET = {
  _class_name: 'UNet2DConditionModel',
  sample_size: 8,
  in_channels: 4,
  out_channels: 4,
  block_out_channels: [8, 16, 16],
  layers_per_block: 1,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
  mid_block_type: 'UNetMidBlock2DCrossAttn',
  attention_head_dim: 2,
  norm_num_groups: 4,
  cross_attention_dim: 16,
};
const VAE = {
  _class_name: 'AutoencoderKL',
  in_channels: 3,
  out_channels: 3,
  latent_channels: 4,
  block_out_channels: [8, 8, 8, 16],
  layers_per_block: 1,
  norm_num_groups: 4,
  down_block_types: Array(4).fill('DownEncoderBlock2D'),
  up_block_types: Array(4).fill('UpDecoderBlock2D'),
  act_fn: 'silu',
  sample_size: 64,
  scaling_factor: 0.18215,
};
const TEXT_ENCODER = {
  architectures: ['CLIPTextModel'],
  model_type: 'clip_text_model',
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  hidden_act: 'quick_gelu',
  max_position_embeddings: 77,
  projection_dim: 16,
  layer_norm_eps: 1e-5,
  vocab_size: tokens,
  bos_token_id: tokens - 2,
  eos_token_id: tokens - 1,
  pad_token_id: tokens - 1,
};
const SCHEDULER = {
  _class_name: 'DDIMScheduler',
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  set_alpha_to_one: false,
  steps_offset: 1,
  timestep_spacing: 'leading',
  prediction_type: 'epsilon',
};
const INDEX = {
  _class_name: 'StableDiffusionPipeline',
  scheduler: ['diffusers', 'DDIMScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: ['diffusers', 'AutoencoderKL'],
};
const TOKENIZER = {
  tokenizer_class: 'CLIPTokenizer',
  model_max_length: 77,
  bos_token: SPECIAL[0],
  eos_token: SPECIAL[1],
  unk_token: SPECIAL[1],
  pad_token: SPECIAL[1],
};

/** The characters that stand for the 256 bytes in byte-level vocabularies, as in GPT-2. */
function byteCharacters() {
  const printable = (byte) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let standIn = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : standIn++));
}

async function writeJson(path, content) {
  await writeFile(join(OUT, path), `${JSON.stringify(content, null, 2)}\n`);
}

/** Norms are near one, biases near zero, matrices scaled by their fan-in, so that activations keep their size. */
function randomWeight(generator, { key, shape }) {
  const count = shape.reduce((a, b) => a * b, 1);
  const gain = shape.length === 1 && /norm/.test(key) && key.endsWith('weight');
  const scale = shape.length > 1 ? 0.85 / Math.sqrt(count / shape[0]) : 0.02;
  const values = Float32Array.from(generator.randn([count]).data, (x) => (gain ? 1 : 0) + scale * x);
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer) };
}

async function writeModel(name, file, Model, config, seed) {
  await mkdir(join(OUT, name), { recursive: true });
  await writeJson(join(name, 'config.json'), config);
  const generator = new TorchGenerator(seed);
  await writeSafetensors(
    join(OUT, name, file),
    Object.fromEntries(
      Model.fromConfig(config).parameters.map((parameter) => [parameter.key, randomWeight(generator, parameter)]),
    ),
  );
}

for (const folder of ['scheduler', 'tokenizer']) await mkdir(join(OUT, folder), { recursive: true });
await writeJson('model_index.json', INDEX);
await writeJson('scheduler/scheduler_config.json', SCHEDULER);
await writeJson('tokenizer/tokenizer_config.json', TOKENIZER);
await writeFile(join(OUT, 'tokenizer/vocab.json'), `${JSON.stringify(vocabulary)}\n`);
await writeFile(join(OUT, 'tokenizer/merges.txt'), `#version: 0.2\n${MERGES.join('\n')}\n`);
await writeModel('text_encoder', 'model.safetensors', CLIPTextModel, TEXT_ENCODER, 1);
await writeModel('unet', 'diffusion_pytorch_model.safetensors', UNet2DConditionModel, UNET, 2);
await writeModel('vae', 'diffusion_pytorch_model.safetensors', AutoencoderKL, VAE, 3);
