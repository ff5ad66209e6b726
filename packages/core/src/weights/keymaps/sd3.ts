import type { KeyMap } from './KeyMap.js';

const BLOCK = 'joint_blocks.{n}';
const TARGET = 'transformer_blocks.{n}';

/**
 * The transformer of Stable Diffusion 3 as its authors' repository has it (`mmditx.py`), and ComfyUI's files and community GGUF after it. Queries, keys and values are fused; the last norm, and that of the
 * last block's text, have shift before scale.
 */
export const sd3: KeyMap = {
  rules: [
    { from: 'pos_embed', to: 'pos_embed.pos_embed' },
    { from: 'x_embedder.proj.*', to: 'pos_embed.proj.*' },
    ...[
      ['t_embedder', 'timestep_embedder'],
      ['y_embedder', 'text_embedder'],
    ].flatMap(([from, to]) => [
      { from: `${from}.mlp.0.*`, to: `time_text_embed.${to}.linear_1.*` },
      { from: `${from}.mlp.2.*`, to: `time_text_embed.${to}.linear_2.*` },
    ]),
    { from: 'context_embedder.*', to: 'context_embedder.*' },
    { from: 'final_layer.adaLN_modulation.1.*', to: 'norm_out.linear.*', swapped: 'always' },
    { from: 'final_layer.linear.*', to: 'proj_out.*' },
    { from: `${BLOCK}.x_block.adaLN_modulation.1.*`, to: `${TARGET}.norm1.linear.*` },
    { from: `${BLOCK}.context_block.adaLN_modulation.1.*`, to: `${TARGET}.norm1_context.linear.*`, swapped: 'last' },
    { from: `${BLOCK}.x_block.mlp.fc1.*`, to: `${TARGET}.ff.net.0.proj.*` },
    { from: `${BLOCK}.x_block.mlp.fc2.*`, to: `${TARGET}.ff.net.2.*` },
    { from: `${BLOCK}.context_block.mlp.fc1.*`, to: `${TARGET}.ff_context.net.0.proj.*` },
    { from: `${BLOCK}.context_block.mlp.fc2.*`, to: `${TARGET}.ff_context.net.2.*` },
    ...['attn', 'attn2'].flatMap((name) => [
      ...qkv(
        `${BLOCK}.x_block.${name}`,
        ['q', 'k', 'v'].map((each) => `${TARGET}.${name}.to_${each}`),
      ),
      { from: `${BLOCK}.x_block.${name}.proj.*`, to: `${TARGET}.${name}.to_out.0.*` },
      { from: `${BLOCK}.x_block.${name}.ln_q.*`, to: `${TARGET}.${name}.norm_q.*` },
      { from: `${BLOCK}.x_block.${name}.ln_k.*`, to: `${TARGET}.${name}.norm_k.*` },
    ]),
    ...qkv(
      `${BLOCK}.context_block.attn`,
      ['q', 'k', 'v'].map((each) => `${TARGET}.attn.add_${each}_proj`),
    ),
    { from: `${BLOCK}.context_block.attn.proj.*`, to: `${TARGET}.attn.to_add_out.*` },
    { from: `${BLOCK}.context_block.attn.ln_q.*`, to: `${TARGET}.attn.norm_added_q.*` },
    { from: `${BLOCK}.context_block.attn.ln_k.*`, to: `${TARGET}.attn.norm_added_k.*` },
  ],
};

function qkv(from: string, to: readonly string[]): KeyMap['rules'] {
  return ['weight', 'bias'].map((kind) => ({ from: `${from}.qkv.${kind}`, to: to.map((each) => `${each}.${kind}`) }));
}
