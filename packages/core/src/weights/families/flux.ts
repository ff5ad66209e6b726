import type { ModelFamily } from './ModelFamily.js';
import { CLIP, CLIP_TOKENIZER, diffusers, transformers, VAE } from './stableDiffusion.js';
import { T5_XXL } from './stableDiffusion3.js';

const TRANSFORMER = {
  _class_name: 'FluxTransformer2DModel',
  attention_head_dim: 128,
  axes_dims_rope: [16, 56, 56],
  guidance_embeds: false,
  in_channels: 64,
  joint_attention_dim: 4096,
  num_attention_heads: 24,
  num_layers: 19,
  num_single_layers: 38,
  patch_size: 1,
  pooled_projection_dim: 768,
} as const;

/** FLUX.1's autoencoder, and Z-Image's. */
export const FLUX_VAE = {
  ...VAE,
  force_upcast: true,
  latent_channels: 16,
  sample_size: 1024,
  scaling_factor: 0.3611,
  shift_factor: 0.1159,
  use_post_quant_conv: false,
  use_quant_conv: false,
} as const;

const SCHEDULER = {
  _class_name: 'FlowMatchEulerDiscreteScheduler',
  base_image_seq_len: 256,
  base_shift: 0.5,
  max_image_seq_len: 4096,
  max_shift: 1.15,
  num_train_timesteps: 1000,
  shift: 1,
  use_dynamic_shifting: false,
} as const;

const SCHNELL: ModelFamily = {
  name: 'flux1-schnell',
  title: 'FLUX.1 schnell',
  source: 'black-forest-labs/FLUX.1-schnell',
  className: 'FluxPipeline',
  fields: {},
  parts: {
    scheduler: diffusers(SCHEDULER),
    text_encoder: transformers(CLIP),
    text_encoder_2: transformers(T5_XXL),
    tokenizer: CLIP_TOKENIZER,
    tokenizer_2: { library: 'transformers', className: 'T5TokenizerFast' },
    transformer: diffusers(TRANSFORMER),
    vae: diffusers(FLUX_VAE),
  },
};

const DEV: ModelFamily = {
  ...SCHNELL,
  name: 'flux1-dev',
  title: 'FLUX.1 dev',
  source: 'black-forest-labs/FLUX.1-dev',
  parts: {
    ...SCHNELL.parts,
    scheduler: diffusers({ ...SCHEDULER, shift: 3, use_dynamic_shifting: true }),
    transformer: diffusers({ ...TRANSFORMER, guidance_embeds: true }),
  },
};

/** The families of FLUX.1. */
export const fluxFamilies: readonly ModelFamily[] = [SCHNELL, DEV];
