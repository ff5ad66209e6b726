import type { ModelFamily } from './ModelFamily.js';
import {
  CLIP,
  CLIP_TOKENIZER,
  diffusers,
  OPEN_CLIP_G,
  OPEN_CLIP_TOKENIZER,
  transformers,
  VAE,
} from './stableDiffusion.js';

const TRANSFORMER = {
  _class_name: 'SD3Transformer2DModel',
  attention_head_dim: 64,
  caption_projection_dim: 1536,
  in_channels: 16,
  joint_attention_dim: 4096,
  num_attention_heads: 24,
  num_layers: 24,
  out_channels: 16,
  patch_size: 2,
  pooled_projection_dim: 2048,
  pos_embed_max_size: 192,
  sample_size: 128,
} as const;

const VAE_16 = {
  ...VAE,
  force_upcast: true,
  latent_channels: 16,
  sample_size: 1024,
  scaling_factor: 1.5305,
  shift_factor: 0.0609,
  use_post_quant_conv: false,
  use_quant_conv: false,
} as const;

/** The encoder of T5 v1.1 XXL. */
export const T5_XXL = {
  architectures: ['T5EncoderModel'],
  model_type: 't5',
  d_ff: 10240,
  d_kv: 64,
  d_model: 4096,
  dense_act_fn: 'gelu_new',
  feed_forward_proj: 'gated-gelu',
  is_gated_act: true,
  layer_norm_epsilon: 1e-6,
  num_heads: 64,
  num_layers: 24,
  relative_attention_max_distance: 128,
  relative_attention_num_buckets: 32,
  vocab_size: 32128,
} as const;

const FLOW = {
  _class_name: 'FlowMatchEulerDiscreteScheduler',
  num_train_timesteps: 1000,
  shift: 3,
} as const;

const MEDIUM: ModelFamily = {
  name: 'stable-diffusion-3-medium',
  title: 'Stable Diffusion 3 medium',
  source: 'stabilityai/stable-diffusion-3-medium-diffusers',
  className: 'StableDiffusion3Pipeline',
  fields: {},
  parts: {
    scheduler: diffusers(FLOW),
    // Its pooled output is taken as it is: files have no projection of it.
    text_encoder: transformers(CLIP),
    text_encoder_2: transformers(OPEN_CLIP_G),
    text_encoder_3: transformers(T5_XXL),
    tokenizer: CLIP_TOKENIZER,
    tokenizer_2: OPEN_CLIP_TOKENIZER,
    tokenizer_3: { library: 'transformers', className: 'T5Tokenizer' },
    transformer: diffusers(TRANSFORMER),
    vae: diffusers(VAE_16),
  },
  // It also works without T5, and T5's tokenizer is in no file.
  optional: ['text_encoder_3', 'tokenizer_3'],
};

const MEDIUM_35: ModelFamily = {
  ...MEDIUM,
  name: 'stable-diffusion-3.5-medium',
  title: 'Stable Diffusion 3.5 medium',
  source: 'stabilityai/stable-diffusion-3.5-medium',
  parts: {
    ...MEDIUM.parts,
    transformer: diffusers({
      ...TRANSFORMER,
      dual_attention_layers: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
      pos_embed_max_size: 384,
      qk_norm: 'rms_norm',
    }),
  },
};

const LARGE_35: ModelFamily = {
  ...MEDIUM,
  name: 'stable-diffusion-3.5-large',
  title: 'Stable Diffusion 3.5 large',
  source: 'stabilityai/stable-diffusion-3.5-large',
  parts: {
    ...MEDIUM.parts,
    transformer: diffusers({
      ...TRANSFORMER,
      caption_projection_dim: 2432,
      num_attention_heads: 38,
      num_layers: 38,
      qk_norm: 'rms_norm',
    }),
  },
};

/** The families of Stable Diffusion 3. */
export const stableDiffusion3Families: readonly ModelFamily[] = [MEDIUM, MEDIUM_35, LARGE_35];
