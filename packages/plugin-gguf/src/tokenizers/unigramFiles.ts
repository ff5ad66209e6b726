import { TokenType } from './TokenType.js';
import { listOf, type Metadata, type TokenizerFiles } from './metadata.js';

/** transformers' names of tokens by llama.cpp's. */
const TOKEN_NAMES: Readonly<Record<string, string>> = { eos: 'eos', unknown: 'unk', padding: 'pad' };

/** `tokenizer.json` and `tokenizer_config.json` of sentencepiece's unigram model, as T5 has it. */
export async function unigramFiles(metadata: Metadata): Promise<TokenizerFiles> {
  const tokens = await listOf(metadata['tokenizer.ggml.tokens']);
  const types = await listOf(metadata['tokenizer.ggml.token_type']);
  const scores = await listOf(metadata['tokenizer.ggml.scores']);
  const charsmap = await listOf(metadata['tokenizer.ggml.precompiled_charsmap']);
  // What fills the table up to a round number is no piece: its scores would make unknown characters cheaper.
  const count = types.findLastIndex((type) => type !== TokenType.unused) + 1 || tokens.length;
  const pieces = tokens.slice(0, count).map((token, id) => [token, scores[id] ?? 0]);
  const special = Object.entries(TOKEN_NAMES).flatMap(([key, name]) => {
    const token = tokens[Number(metadata[`tokenizer.ggml.${key}_token_id`])];
    return token === undefined ? [] : [[`${name}_token`, token] as const];
  });
  const normalizer =
    charsmap.length === 0
      ? null
      : { type: 'Precompiled', precompiled_charsmap: Buffer.from(charsmap as number[]).toString('base64') };
  const unknown = metadata['tokenizer.ggml.unknown_token_id'];
  return new Map([
    [
      'tokenizer.json',
      JSON.stringify({
        added_tokens: [],
        normalizer,
        model: { type: 'Unigram', ...(unknown !== undefined && { unk_id: Number(unknown) }), vocab: pieces },
      }),
    ],
    ['tokenizer_config.json', JSON.stringify({ tokenizer_class: 'T5Tokenizer', ...Object.fromEntries(special) })],
  ]);
}
