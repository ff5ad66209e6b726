import type { KeyMap } from './KeyMap.js';

const DOUBLE = 'double_blocks.{n}';
const SINGLE = 'single_blocks.{n}';
const TO_DOUBLE = 'transformer_blocks.{n}';
const TO_SINGLE = 'single_transformer_blocks.{n}';

/** What the two streams of a double block are called. */
const STREAMS = [
  { from: 'img', projections: ['to_q', 'to_k', 'to_v'], out: 'to_out.0', norm: 'norm_', fed: 'ff' },
  {
    from: 'txt',
    projections: ['add_q_proj', 'add_k_proj', 'add_v_proj'],
    out: 'to_add_out',
    norm: 'norm_added_',
    fed: 'ff_context',
  },
] as const;

/**
 * FLUX.2's transformer as its authors' repository has it, and ComfyUI's files and community GGUF after it: queries, keys and values of a double block are fused, and the last norm has its shift before its
 * scale (source: black-forest-labs/flux2 `src/flux2/model.py`).
 */
export const flux2: KeyMap = {
  rules: [
    { from: 'img_in.*', to: 'x_embedder.*' },
    { from: 'txt_in.*', to: 'context_embedder.*' },
    { from: 'time_in.in_layer.*', to: 'time_guidance_embed.timestep_embedder.linear_1.*' },
    { from: 'time_in.out_layer.*', to: 'time_guidance_embed.timestep_embedder.linear_2.*' },
    ...['double_stream_modulation_img', 'double_stream_modulation_txt', 'single_stream_modulation'].map((name) => ({
      from: `${name}.lin.*`,
      to: `${name}.linear.*`,
    })),
    ...STREAMS.flatMap(({ from, projections, out, norm, fed }) => [
      { from: `${DOUBLE}.${from}_attn.qkv.*`, to: projections.map((name) => `${TO_DOUBLE}.attn.${name}.*`) },
      { from: `${DOUBLE}.${from}_attn.proj.*`, to: `${TO_DOUBLE}.attn.${out}.*` },
      { from: `${DOUBLE}.${from}_attn.norm.query_norm.scale`, to: `${TO_DOUBLE}.attn.${norm}q.weight` },
      { from: `${DOUBLE}.${from}_attn.norm.key_norm.scale`, to: `${TO_DOUBLE}.attn.${norm}k.weight` },
      { from: `${DOUBLE}.${from}_mlp.0.*`, to: `${TO_DOUBLE}.${fed}.linear_in.*` },
      { from: `${DOUBLE}.${from}_mlp.2.*`, to: `${TO_DOUBLE}.${fed}.linear_out.*` },
    ]),
    { from: `${SINGLE}.linear1.*`, to: `${TO_SINGLE}.attn.to_qkv_mlp_proj.*` },
    { from: `${SINGLE}.linear2.*`, to: `${TO_SINGLE}.attn.to_out.*` },
    { from: `${SINGLE}.norm.query_norm.scale`, to: `${TO_SINGLE}.attn.norm_q.weight` },
    { from: `${SINGLE}.norm.key_norm.scale`, to: `${TO_SINGLE}.attn.norm_k.weight` },
    { from: 'final_layer.linear.*', to: 'proj_out.*' },
    { from: 'final_layer.adaLN_modulation.1.*', to: 'norm_out.linear.*', swapped: 'always' },
  ],
};
