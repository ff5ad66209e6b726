import type { KeyMap } from './KeyMap.js';
import type { KeyRule } from './KeyRule.js';

/** A layer's tensors: what llama.cpp calls each, and what transformers does. */
function layer(from: string, to: string, names: Readonly<Record<string, string>>): readonly KeyRule[] {
  return Object.entries(names).map(([short, long]) => ({ from: `${from}.${short}.*`, to: `${to}.${long}.*` }));
}

/** Qwen3 by llama.cpp's names, as in GGUF files of it. Its rows of queries and keys are in transformers' order. */
export const llamaCppQwen3: KeyMap = {
  rules: [
    { from: 'token_embd.*', to: 'model.embed_tokens.*' },
    { from: 'output_norm.*', to: 'model.norm.*' },
    ...layer('blk.{n}', 'model.layers.{n}', {
      attn_q: 'self_attn.q_proj',
      attn_k: 'self_attn.k_proj',
      attn_v: 'self_attn.v_proj',
      attn_output: 'self_attn.o_proj',
      attn_q_norm: 'self_attn.q_norm',
      attn_k_norm: 'self_attn.k_norm',
      attn_norm: 'input_layernorm',
      ffn_gate: 'mlp.gate_proj',
      ffn_up: 'mlp.up_proj',
      ffn_down: 'mlp.down_proj',
      ffn_norm: 'post_attention_layernorm',
    }),
  ],
};

const T5_BLOCK = 'encoder.block.{n}.layer';

/** T5's encoder by llama.cpp's names, as in GGUF files of it. */
export const llamaCppT5: KeyMap = {
  rules: [
    { from: 'token_embd.*', to: 'shared.*' },
    { from: 'enc.output_norm.*', to: 'encoder.final_layer_norm.*' },
    ...layer('enc.blk.{n}', T5_BLOCK, {
      attn_q: '0.SelfAttention.q',
      attn_k: '0.SelfAttention.k',
      attn_v: '0.SelfAttention.v',
      attn_o: '0.SelfAttention.o',
      attn_rel_b: '0.SelfAttention.relative_attention_bias',
      attn_norm: '0.layer_norm',
      ffn_gate: '1.DenseReluDense.wi_0',
      ffn_up: '1.DenseReluDense.wi_1',
      ffn_down: '1.DenseReluDense.wo',
      ffn_norm: '1.layer_norm',
    }),
  ],
};
