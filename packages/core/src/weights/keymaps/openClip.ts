import type { KeyMap } from './KeyMap.js';

const LAYER = 'text_model.encoder.layers.{n}';

/** The text encoder of OpenCLIP, as in files of SD 2 and SDXL: queries, keys and values are fused, the projection lies transposed. */
export const openClip: KeyMap = {
  rules: [
    { from: 'positional_embedding', to: 'text_model.embeddings.position_embedding.weight' },
    { from: 'token_embedding.weight', to: 'text_model.embeddings.token_embedding.weight' },
    ...(['weight', 'bias'] as const).map((kind) => ({
      from: `transformer.resblocks.{n}.attn.in_proj_${kind}`,
      to: ['q', 'k', 'v'].map((name) => `${LAYER}.self_attn.${name}_proj.${kind}`),
    })),
    { from: 'transformer.resblocks.{n}.attn.out_proj.*', to: `${LAYER}.self_attn.out_proj.*` },
    { from: 'transformer.resblocks.{n}.ln_1.*', to: `${LAYER}.layer_norm1.*` },
    { from: 'transformer.resblocks.{n}.ln_2.*', to: `${LAYER}.layer_norm2.*` },
    { from: 'transformer.resblocks.{n}.mlp.c_fc.*', to: `${LAYER}.mlp.fc1.*` },
    { from: 'transformer.resblocks.{n}.mlp.c_proj.*', to: `${LAYER}.mlp.fc2.*` },
    { from: 'ln_final.*', to: 'text_model.final_layer_norm.*' },
    { from: 'text_projection', to: 'text_projection.weight', transposed: true },
    { from: 'text_projection.weight', to: 'text_projection.weight' },
  ],
};
