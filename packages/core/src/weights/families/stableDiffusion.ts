import type { FamilyPart, ModelFamily } from './ModelFamily.js';

const UNET = {
  _class_name: 'UNet2DConditionModel',
  act_fn: 'silu',
  attention_head_dim: 8,
  block_out_channels: [320, 640, 1280, 1280],
  center_input_sample: false,
  cross_attention_dim: 768,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 4,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  norm_eps: 1e-5,
  norm_num_groups: 32,
  out_channels: 4,
  sample_size: 64,
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
} as const;

/** SD 2's; its heads have 64 channels each. */
const UNET_2 = {
  ...UNET,
  attention_head_dim: [5, 10, 20, 20],
  cross_attention_dim: 1024,
  dual_cross_attention: false,
  num_class_embeds: null,
  only_cross_attention: false,
  use_linear_projection: true,
} as const;

/** Stable Diffusion 1's; others differ in a few fields. */
export const VAE = {
  _class_name: 'AutoencoderKL',
  act_fn: 'silu',
  block_out_channels: [128, 256, 512, 512],
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D', 'DownEncoderBlock2D', 'DownEncoderBlock2D'],
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 2,
  norm_num_groups: 32,
  out_channels: 3,
  sample_size: 512,
  scaling_factor: 0.18215,
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D'],
} as const;

/** CLIP ViT-L. */
export const CLIP = {
  architectures: ['CLIPTextModel'],
  model_type: 'clip_text_model',
  attention_dropout: 0,
  bos_token_id: 0,
  eos_token_id: 2,
  hidden_act: 'quick_gelu',
  hidden_size: 768,
  initializer_factor: 1,
  initializer_range: 0.02,
  intermediate_size: 3072,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 77,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  pad_token_id: 1,
  projection_dim: 768,
  vocab_size: 49408,
} as const;

/** OpenCLIP's ViT-H without its last layer. */
const OPEN_CLIP_H = {
  ...CLIP,
  hidden_act: 'gelu',
  hidden_size: 1024,
  intermediate_size: 4096,
  num_attention_heads: 16,
  num_hidden_layers: 23,
  projection_dim: 512,
} as const;

/** OpenCLIP's ViT-bigG. */
export const OPEN_CLIP_G = {
  ...CLIP,
  architectures: ['CLIPTextModelWithProjection'],
  hidden_act: 'gelu',
  hidden_size: 1280,
  intermediate_size: 5120,
  num_attention_heads: 20,
  num_hidden_layers: 32,
  projection_dim: 1280,
} as const;

const NOISE = {
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  steps_offset: 1,
  timestep_spacing: 'leading',
  trained_betas: null,
} as const;
const PNDM = { _class_name: 'PNDMScheduler', ...NOISE, set_alpha_to_one: false, skip_prk_steps: true } as const;
const DDIM_V = {
  _class_name: 'DDIMScheduler',
  ...NOISE,
  prediction_type: 'v_prediction',
  clip_sample: false,
  set_alpha_to_one: false,
} as const;
const EULER = {
  _class_name: 'EulerDiscreteScheduler',
  ...NOISE,
  interpolation_type: 'linear',
  use_karras_sigmas: false,
} as const;

const XL_UNET = {
  ...UNET_2,
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 256,
  attention_head_dim: [5, 10, 20],
  block_out_channels: [320, 640, 1280],
  cross_attention_dim: 2048,
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  projection_class_embeddings_input_dim: 2816,
  sample_size: 128,
  transformer_layers_per_block: [1, 2, 10],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
} as const;

const REFINER_UNET = {
  ...XL_UNET,
  attention_head_dim: [6, 12, 24, 24],
  block_out_channels: [384, 768, 1536, 1536],
  cross_attention_dim: 1280,
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  projection_class_embeddings_input_dim: 2560,
  transformer_layers_per_block: 4,
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
} as const;

const XL_VAE = { ...VAE, force_upcast: true, sample_size: 1024, scaling_factor: 0.13025 } as const;

/** Of CLIP ViT-L. */
export const CLIP_TOKENIZER: FamilyPart = {
  library: 'transformers',
  className: 'CLIPTokenizer',
  padToken: '<|endoftext|>',
};
/** Of OpenCLIP's. */
export const OPEN_CLIP_TOKENIZER: FamilyPart = { library: 'transformers', className: 'CLIPTokenizer', padToken: '!' };

/** A part of diffusers' by its config. */
export function diffusers(config: Readonly<Record<string, unknown>> & { readonly _class_name: string }): FamilyPart {
  return { library: 'diffusers', className: config._class_name, config };
}

/** A part of transformers' by its config. */
export function transformers(
  config: Readonly<Record<string, unknown>> & { readonly architectures: readonly [string] },
): FamilyPart {
  return { library: 'transformers', className: config.architectures[0], config };
}

const V1: ModelFamily = {
  name: 'stable-diffusion-v1',
  title: 'Stable Diffusion 1',
  source: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
  className: 'StableDiffusionPipeline',
  fields: { requires_safety_checker: false },
  parts: {
    scheduler: diffusers(PNDM),
    text_encoder: transformers(CLIP),
    tokenizer: CLIP_TOKENIZER,
    unet: diffusers(UNET),
    vae: diffusers(VAE),
  },
};

const V1_INPAINTING: ModelFamily = {
  ...V1,
  name: 'stable-diffusion-v1-inpainting',
  title: 'Stable Diffusion 1, inpainting',
  source: 'stable-diffusion-v1-5/stable-diffusion-inpainting',
  className: 'StableDiffusionInpaintPipeline',
  parts: { ...V1.parts, unet: diffusers({ ...UNET, in_channels: 9 }) },
};

const V2_BASE: ModelFamily = {
  ...V1,
  name: 'stable-diffusion-v2-base',
  title: 'Stable Diffusion 2 that predicts the noise (512 pixels)',
  source: 'stabilityai/stable-diffusion-2-1-base',
  parts: {
    scheduler: diffusers(PNDM),
    text_encoder: transformers(OPEN_CLIP_H),
    tokenizer: OPEN_CLIP_TOKENIZER,
    unet: diffusers(UNET_2),
    vae: diffusers(VAE),
  },
};

const V2: ModelFamily = {
  ...V2_BASE,
  name: 'stable-diffusion-v2',
  title: 'Stable Diffusion 2',
  source: 'stabilityai/stable-diffusion-2-1',
  parts: {
    ...V2_BASE.parts,
    scheduler: diffusers(DDIM_V),
    unet: diffusers({ ...UNET_2, sample_size: 96, upcast_attention: true }),
    vae: diffusers({ ...VAE, sample_size: 768 }),
  },
  otherPrediction: { predictionType: 'epsilon', family: V2_BASE },
};

const V2_INPAINTING: ModelFamily = {
  ...V2_BASE,
  name: 'stable-diffusion-v2-inpainting',
  title: 'Stable Diffusion 2, inpainting',
  source: 'stabilityai/stable-diffusion-2-inpainting',
  className: 'StableDiffusionInpaintPipeline',
  parts: { ...V2_BASE.parts, unet: diffusers({ ...UNET_2, in_channels: 9 }) },
};

const XL: ModelFamily = {
  name: 'stable-diffusion-xl',
  title: 'Stable Diffusion XL',
  source: 'stabilityai/stable-diffusion-xl-base-1.0',
  className: 'StableDiffusionXLPipeline',
  fields: { force_zeros_for_empty_prompt: true },
  parts: {
    scheduler: diffusers(EULER),
    text_encoder: transformers(CLIP),
    text_encoder_2: transformers(OPEN_CLIP_G),
    tokenizer: CLIP_TOKENIZER,
    tokenizer_2: OPEN_CLIP_TOKENIZER,
    unet: diffusers(XL_UNET),
    vae: diffusers(XL_VAE),
  },
};

const XL_INPAINTING: ModelFamily = {
  ...XL,
  name: 'stable-diffusion-xl-inpainting',
  title: 'Stable Diffusion XL, inpainting',
  source: 'diffusers/stable-diffusion-xl-1.0-inpainting-0.1',
  className: 'StableDiffusionXLInpaintPipeline',
  parts: { ...XL.parts, unet: diffusers({ ...XL_UNET, in_channels: 9 }) },
};

const XL_REFINER: ModelFamily = {
  ...XL,
  name: 'stable-diffusion-xl-refiner',
  title: "Stable Diffusion XL's refiner",
  source: 'stabilityai/stable-diffusion-xl-refiner-1.0',
  className: 'StableDiffusionXLImg2ImgPipeline',
  fields: { force_zeros_for_empty_prompt: false, requires_aesthetics_score: true },
  parts: { ...XL.parts, text_encoder: null, tokenizer: null, unet: diffusers(REFINER_UNET) },
};

/** The families of Stable Diffusion. Of two that a single component fits alike, the first is taken. */
export const stableDiffusionFamilies: readonly ModelFamily[] = [
  V1,
  V1_INPAINTING,
  V2,
  V2_INPAINTING,
  XL,
  XL_INPAINTING,
  XL_REFINER,
];
