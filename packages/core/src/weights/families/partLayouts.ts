import { flux } from '../keymaps/flux.js';
import { flux2 } from '../keymaps/flux2.js';
import { type KeyMap, unchanged } from '../keymaps/KeyMap.js';
import { ldmUnet } from '../keymaps/ldmUnet.js';
import { ldmVae } from '../keymaps/ldmVae.js';
import { llamaCppQwen3, llamaCppT5 } from '../keymaps/llamaCpp.js';
import { openClip } from '../keymaps/openClip.js';
import { sd3 } from '../keymaps/sd3.js';
import { zImage } from '../keymaps/zImage.js';

/** A way in which a component lies in a file. */
export interface PartLayout {
  /** The component, as `model_index.json` calls it. */
  readonly component: 'unet' | 'transformer' | 'vae' | 'text_encoder' | 'text_encoder_2' | 'text_encoder_3';
  /** What its keys begin with. */
  readonly prefix: string;
  /** Keys, without the prefix, of which one is in every such file. */
  readonly marks: readonly string[];
  readonly keyMap: KeyMap;
}

const LDM_UNET = { component: 'unet', marks: ['input_blocks.0.0.weight'], keyMap: ldmUnet } as const;
const LDM_VAE = { component: 'vae', marks: ['decoder.up.0.block.0.conv1.weight'], keyMap: ldmVae } as const;
const CLIP = {
  component: 'text_encoder',
  marks: ['text_model.embeddings.token_embedding.weight', 'embeddings.token_embedding.weight'],
  keyMap: unchanged,
} as const;
const OPEN_CLIP = { marks: ['transformer.resblocks.0.ln_1.weight'], keyMap: openClip } as const;

const Z_IMAGE = {
  component: 'transformer',
  marks: ['noise_refiner.0.attention.qkv.weight'],
  keyMap: zImage,
} as const;

const FLUX_2 = {
  component: 'transformer',
  marks: ['double_stream_modulation_img.lin.weight'],
  keyMap: flux2,
} as const;
const SD3 = { component: 'transformer', marks: ['joint_blocks.0.x_block.attn.qkv.weight'], keyMap: sd3 } as const;
const FLUX = { component: 'transformer', marks: ['double_blocks.0.img_mod.lin.weight'], keyMap: flux } as const;
const T5 = { marks: ['encoder.block.0.layer.0.SelfAttention.q.weight'], keyMap: unchanged } as const;

/** The layouts that are known: of whole checkpoints, then of single components. Of one component the first that fits is taken. */
export const partLayouts: readonly PartLayout[] = [
  { ...LDM_UNET, prefix: 'model.diffusion_model.' },
  { ...LDM_UNET, prefix: 'diffusion_model.' },
  { ...LDM_UNET, prefix: '' },
  { component: 'unet', prefix: '', marks: ['down_blocks.0.resnets.0.time_emb_proj.weight'], keyMap: unchanged },
  { ...LDM_VAE, prefix: 'first_stage_model.' },
  { ...LDM_VAE, prefix: 'vae.' },
  { ...LDM_VAE, prefix: '' },
  {
    component: 'vae',
    prefix: '',
    marks: ['decoder.up_blocks.0.resnets.0.conv1.weight', 'decoder.layers.0.weight'],
    keyMap: unchanged,
  },
  { ...CLIP, prefix: 'cond_stage_model.transformer.' },
  { ...OPEN_CLIP, component: 'text_encoder', prefix: 'cond_stage_model.model.' },
  { ...CLIP, prefix: 'conditioner.embedders.0.transformer.' },
  { ...OPEN_CLIP, component: 'text_encoder_2', prefix: 'conditioner.embedders.1.model.' },
  { ...OPEN_CLIP, component: 'text_encoder_2', prefix: 'conditioner.embedders.0.model.' },
  { ...CLIP, prefix: 'text_encoders.clip_l.transformer.' },
  { ...CLIP, component: 'text_encoder_2', prefix: 'text_encoders.clip_g.transformer.' },
  { ...T5, component: 'text_encoder_3', prefix: 'text_encoders.t5xxl.transformer.' },
  { ...CLIP, prefix: '' },
  { ...SD3, prefix: 'model.diffusion_model.' },
  { ...SD3, prefix: '' },
  {
    component: 'transformer',
    prefix: '',
    marks: ['transformer_blocks.0.norm1_context.linear.weight'],
    keyMap: unchanged,
  },
  { ...FLUX, prefix: 'model.diffusion_model.' },
  { ...FLUX, prefix: '' },
  { ...FLUX_2, prefix: 'model.diffusion_model.' },
  { ...FLUX_2, prefix: '' },
  {
    component: 'transformer',
    prefix: '',
    marks: ['double_stream_modulation_img.linear.weight'],
    keyMap: unchanged,
  },
  { ...Z_IMAGE, prefix: 'model.diffusion_model.' },
  { ...Z_IMAGE, prefix: '' },
  { component: 'transformer', prefix: '', marks: ['noise_refiner.0.attention.to_q.weight'], keyMap: unchanged },
  { component: 'text_encoder', prefix: '', marks: ['blk.0.attn_q_norm.weight'], keyMap: llamaCppQwen3 },
  { component: 'text_encoder', prefix: '', marks: ['enc.blk.0.attn_q.weight'], keyMap: llamaCppT5 },
  {
    component: 'text_encoder',
    prefix: '',
    marks: ['model.layers.0.self_attn.q_norm.weight', 'layers.0.self_attn.q_norm.weight'],
    keyMap: unchanged,
  },
  { ...T5, component: 'text_encoder', prefix: '' },
  { ...OPEN_CLIP, component: 'text_encoder', prefix: '' },
];
