// node tools/checkpoints/make-sdxl.mjs OUT_DIR [f16|f32]: a full-size Stable Diffusion XL checkpoint in diffusers' layout with random weights; their names and
// shapes are those of thimble's models, which the tests hold against diffusers'. 6.9 GB in f16.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelRegistry } from '../../packages/core/dist/model.js';
import { makePool, writeRandomTensors } from './randomWeights.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const TOKENIZER = join(HERE, '../../packages/core/test/fixtures/sd-tiny/tokenizer');

const CLIP = {
  vocab_size: 49408,
  max_position_embeddings: 77,
  layer_norm_eps: 1e-5,
  bos_token_id: 0,
  eos_token_id: 2,
  pad_token_id: 1,
  model_type: 'clip_text_model',
};
const CONFIGS = {
  text_encoder: {
    architectures: ['CLIPTextModel'],
    ...CLIP,
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    hidden_act: 'quick_gelu',
    projection_dim: 768,
  },
  text_encoder_2: {
    architectures: ['CLIPTextModelWithProjection'],
    ...CLIP,
    hidden_size: 1280,
    intermediate_size: 5120,
    num_hidden_layers: 32,
    num_attention_heads: 20,
    hidden_act: 'gelu',
    projection_dim: 1280,
  },
  unet: {
    _class_name: 'UNet2DConditionModel',
    sample_size: 128,
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
    up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
    block_out_channels: [320, 640, 1280],
    transformer_layers_per_block: [1, 2, 10],
    attention_head_dim: [5, 10, 20],
    cross_attention_dim: 2048,
    use_linear_projection: true,
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 256,
    projection_class_embeddings_input_dim: 2816,
  },
  vae: {
    _class_name: 'AutoencoderKL',
    down_block_types: Array.from({ length: 4 }, () => 'DownEncoderBlock2D'),
    up_block_types: Array.from({ length: 4 }, () => 'UpDecoderBlock2D'),
    block_out_channels: [128, 256, 512, 512],
    layers_per_block: 2,
    sample_size: 1024,
    scaling_factor: 0.13025,
    force_upcast: true,
  },
};
const SCHEDULER = {
  _class_name: 'EulerDiscreteScheduler',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
  timestep_spacing: 'leading',
};
const INDEX = {
  _class_name: 'StableDiffusionXLPipeline',
  force_zeros_for_empty_prompt: true,
  scheduler: ['diffusers', 'EulerDiscreteScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  text_encoder_2: ['transformers', 'CLIPTextModelWithProjection'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  tokenizer_2: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: ['diffusers', 'AutoencoderKL'],
};

const writeJson = (path, value) => writeFileSync(path, JSON.stringify(value, null, 2));

/** The second tokenizer pads with an exclamation mark. */
function writeTokenizers(out) {
  cpSync(TOKENIZER, join(out, 'tokenizer'), { recursive: true });
  cpSync(TOKENIZER, join(out, 'tokenizer_2'), { recursive: true });
  for (const name of ['tokenizer_config.json', 'special_tokens_map.json']) {
    const path = join(out, 'tokenizer_2', name);
    writeJson(path, { ...JSON.parse(readFileSync(path, 'utf8')), pad_token: '!' });
  }
}

/** Makes the checkpoint; with `components` only the weights of these. */
export function makeSdxl(out, dtype = 'f16', components = Object.keys(CONFIGS)) {
  const pool = makePool();
  for (const component of components) {
    const config = CONFIGS[component];
    const folder = join(out, component);
    mkdirSync(folder, { recursive: true });
    writeJson(join(folder, 'config.json'), config);
    const [className] = config.architectures ?? [config._class_name];
    const tensors = modelRegistry[className]
      .fromConfig(config, className)
      .parameters.map(({ key, shape }) => [key, shape]);
    const stem = config.architectures === undefined ? 'diffusion_pytorch_model' : 'model';
    const file = `${stem}${dtype === 'f16' ? '.fp16' : ''}.safetensors`;
    writeRandomTensors(join(folder, file), Object.fromEntries(tensors), dtype === 'f16' ? 'F16' : 'F32', pool);
  }
  mkdirSync(join(out, 'scheduler'), { recursive: true });
  writeJson(join(out, 'scheduler/scheduler_config.json'), SCHEDULER);
  writeJson(join(out, 'model_index.json'), INDEX);
  writeTokenizers(out);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [out, dtype] = process.argv.slice(2);
  if (out === undefined) {
    console.error('usage: node tools/checkpoints/make-sdxl.mjs OUT_DIR [f16|f32]');
    process.exit(2);
  }
  makeSdxl(out, dtype);
  console.log(`made ${out}`);
}
