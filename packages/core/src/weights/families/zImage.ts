import { FLUX_VAE } from './flux.js';
import type { ModelFamily } from './ModelFamily.js';
import { qwen2Tokenizer, qwen3Of4B } from './qwen3.js';
import { diffusers } from './stableDiffusion.js';

const TRANSFORMER = {
  _class_name: 'ZImageTransformer2DModel',
  all_f_patch_size: [1],
  all_patch_size: [2],
  axes_dims: [32, 48, 48],
  axes_lens: [1536, 512, 512],
  cap_feat_dim: 2560,
  dim: 3840,
  in_channels: 16,
  n_heads: 30,
  n_kv_heads: 30,
  n_layers: 30,
  n_refiner_layers: 2,
  norm_eps: 1e-5,
  qk_norm: true,
  rope_theta: 256,
  t_scale: 1000,
} as const;

const FLOW = { _class_name: 'FlowMatchEulerDiscreteScheduler', num_train_timesteps: 1000, shift: 3 } as const;

const TURBO: ModelFamily = {
  name: 'z-image-turbo',
  title: 'Z-Image-Turbo',
  source: 'Tongyi-MAI/Z-Image-Turbo',
  className: 'ZImagePipeline',
  fields: {},
  parts: {
    scheduler: diffusers(FLOW),
    text_encoder: qwen3Of4B,
    tokenizer: qwen2Tokenizer,
    transformer: diffusers(TRANSFORMER),
    vae: diffusers(FLUX_VAE),
  },
  optional: ['tokenizer'],
};

const BASE: ModelFamily = {
  ...TURBO,
  name: 'z-image',
  title: 'Z-Image',
  source: 'Tongyi-MAI/Z-Image',
  parts: { ...TURBO.parts, scheduler: diffusers({ ...FLOW, shift: 6 }) },
};

/** The families of Z-Image, whose tensors are alike: of a transformer alone the first is taken. */
export const zImageFamilies: readonly ModelFamily[] = [TURBO, BASE];
