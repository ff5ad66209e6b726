import type { KeyMap } from './KeyMap.js';

const STREAMS = [
  { original: 'img', context: '', attention: ['to_q', 'to_k', 'to_v'], out: 'to_out.0', norms: ['norm_q', 'norm_k'] },
  {
    original: 'txt',
    context: '_context',
    attention: ['add_q_proj', 'add_k_proj', 'add_v_proj'],
    out: 'to_add_out',
    norms: ['norm_added_q', 'norm_added_k'],
  },
] as const;

const DOUBLE = 'double_blocks.{n}';
const SINGLE = 'single_blocks.{n}';
const TO_DOUBLE = 'transformer_blocks.{n}';
const TO_SINGLE = 'single_transformer_blocks.{n}';

/**
 * FLUX.1's transformer as its authors' repository has it, and ComfyUI's files and community GGUF after it: queries, keys and values are fused, in blocks of one stream with the feed-forward too, and
 * the last norm has its shift before its scale (source: black-forest-labs/flux `src/flux/model.py`).
 */
export const flux: KeyMap = {
  rules: [
    { from: 'img_in.*', to: 'x_embedder.*' },
    { from: 'txt_in.*', to: 'context_embedder.*' },
    ...[
      ['time_in', 'timestep_embedder'],
      ['vector_in', 'text_embedder'],
      ['guidance_in', 'guidance_embedder'],
    ].flatMap(([from, to]) => [
      { from: `${from}.in_layer.*`, to: `time_text_embed.${to}.linear_1.*` },
      { from: `${from}.out_layer.*`, to: `time_text_embed.${to}.linear_2.*` },
    ]),
    ...STREAMS.flatMap(({ original, context, attention, out, norms: [query, key] }) => [
      { from: `${DOUBLE}.${original}_mod.lin.*`, to: `${TO_DOUBLE}.norm1${context}.linear.*` },
      { from: `${DOUBLE}.${original}_attn.qkv.*`, to: attention.map((name) => `${TO_DOUBLE}.attn.${name}.*`) },
      { from: `${DOUBLE}.${original}_attn.proj.*`, to: `${TO_DOUBLE}.attn.${out}.*` },
      { from: `${DOUBLE}.${original}_attn.norm.query_norm.scale`, to: `${TO_DOUBLE}.attn.${query}.weight` },
      { from: `${DOUBLE}.${original}_attn.norm.key_norm.scale`, to: `${TO_DOUBLE}.attn.${key}.weight` },
      { from: `${DOUBLE}.${original}_mlp.0.*`, to: `${TO_DOUBLE}.ff${context}.net.0.proj.*` },
      { from: `${DOUBLE}.${original}_mlp.2.*`, to: `${TO_DOUBLE}.ff${context}.net.2.*` },
    ]),
    { from: `${SINGLE}.modulation.lin.*`, to: `${TO_SINGLE}.norm.linear.*` },
    {
      from: `${SINGLE}.linear1.*`,
      to: [...['to_q', 'to_k', 'to_v'].map((name) => `${TO_SINGLE}.attn.${name}.*`), `${TO_SINGLE}.proj_mlp.*`],
      // The feed-forward is four times as wide.
      shares: [1, 1, 1, 4],
    },
    { from: `${SINGLE}.linear2.*`, to: `${TO_SINGLE}.proj_out.*` },
    { from: `${SINGLE}.norm.query_norm.scale`, to: `${TO_SINGLE}.attn.norm_q.weight` },
    { from: `${SINGLE}.norm.key_norm.scale`, to: `${TO_SINGLE}.attn.norm_k.weight` },
    { from: 'final_layer.linear.*', to: 'proj_out.*' },
    { from: 'final_layer.adaLN_modulation.1.*', to: 'norm_out.linear.*', swapped: 'always' },
  ],
};
