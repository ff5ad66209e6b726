import type { FamilyPart } from './ModelFamily.js';
import { transformers } from './stableDiffusion.js';

const QWEN3_4B = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  attention_bias: false,
  bos_token_id: 151643,
  eos_token_id: 151645,
  head_dim: 128,
  hidden_act: 'silu',
  hidden_size: 2560,
  intermediate_size: 9728,
  max_position_embeddings: 40960,
  num_attention_heads: 32,
  num_hidden_layers: 36,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  tie_word_embeddings: true,
  vocab_size: 151936,
} as const;

/** Qwen3 of four billion parameters. */
export const qwen3Of4B: FamilyPart = transformers(QWEN3_4B);

/** Qwen3 of eight billion parameters. */
export const qwen3Of8B: FamilyPart = transformers({
  ...QWEN3_4B,
  hidden_size: 4096,
  intermediate_size: 12288,
  tie_word_embeddings: false,
});

/** Its tokenizer, which is in no file of weights. */
export const qwen2Tokenizer: FamilyPart = { library: 'transformers', className: 'Qwen2Tokenizer' };
