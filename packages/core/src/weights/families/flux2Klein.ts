import type { ModelFamily } from './ModelFamily.js';
import { qwen2Tokenizer, qwen3Of4B, qwen3Of8B } from './qwen3.js';
import { diffusers, VAE } from './stableDiffusion.js';

const TRANSFORMER = {
  _class_name: 'Flux2Transformer2DModel',
  attention_head_dim: 128,
  axes_dims_rope: [32, 32, 32, 32],
  eps: 1e-6,
  guidance_embeds: false,
  in_channels: 128,
  joint_attention_dim: 7680,
  mlp_ratio: 3,
  num_attention_heads: 24,
  num_layers: 5,
  num_single_layers: 20,
  patch_size: 1,
  rope_theta: 2000,
  timestep_guidance_channels: 256,
} as const;

const FLUX2_VAE = {
  // A batch norm stands in the place of a scaling factor.
  ...Object.fromEntries(Object.entries(VAE).filter(([field]) => field !== 'scaling_factor')),
  _class_name: 'AutoencoderKLFlux2',
  batch_norm_eps: 1e-4,
  batch_norm_momentum: 0.1,
  latent_channels: 32,
  patch_size: [2, 2],
  sample_size: 1024,
  use_post_quant_conv: true,
  use_quant_conv: true,
} as const;

const FLOW = {
  _class_name: 'FlowMatchEulerDiscreteScheduler',
  num_train_timesteps: 1000,
  shift: 3,
  time_shift_type: 'exponential',
  use_dynamic_shifting: true,
} as const;

const KLEIN_4B: ModelFamily = {
  name: 'flux2-klein-4b',
  title: 'FLUX.2 klein 4B',
  source: 'black-forest-labs/FLUX.2-klein-4B',
  className: 'Flux2KleinPipeline',
  fields: { is_distilled: true },
  parts: {
    scheduler: diffusers(FLOW),
    text_encoder: qwen3Of4B,
    tokenizer: qwen2Tokenizer,
    transformer: diffusers(TRANSFORMER),
    vae: diffusers(FLUX2_VAE),
  },
  optional: ['tokenizer'],
};

const KLEIN_9B: ModelFamily = {
  ...KLEIN_4B,
  name: 'flux2-klein-9b',
  title: 'FLUX.2 klein 9B',
  source: 'black-forest-labs/FLUX.2-klein-9B',
  parts: {
    ...KLEIN_4B.parts,
    text_encoder: qwen3Of8B,
    transformer: diffusers({
      ...TRANSFORMER,
      joint_attention_dim: 12288,
      num_attention_heads: 32,
      num_layers: 8,
      num_single_layers: 24,
    }),
  },
};

function base(family: ModelFamily, size: string): ModelFamily {
  return {
    ...family,
    name: `flux2-klein-base-${size.toLowerCase()}`,
    title: `FLUX.2 klein base ${size}`,
    source: `black-forest-labs/FLUX.2-klein-base-${size}`,
    fields: {},
  };
}

/** The families of FLUX.2 klein. Tensors of distilled and base models are alike: of a transformer alone the distilled one is taken. */
export const flux2KleinFamilies: readonly ModelFamily[] = [
  KLEIN_4B,
  base(KLEIN_4B, '4B'),
  KLEIN_9B,
  base(KLEIN_9B, '9B'),
];
