import { isAdded, TokenType } from './TokenType.js';
import { listOf, type Metadata, type TokenizerFiles } from './metadata.js';

/** `vocab.json`, `merges.txt` and `tokenizer_config.json` of a byte-pair encoding; tokens and merges are written in the metadata as they are there. */
export async function bytePairFiles(metadata: Metadata): Promise<TokenizerFiles> {
  const tokens = await listOf(metadata['tokenizer.ggml.tokens']);
  const types = await listOf(metadata['tokenizer.ggml.token_type']);
  const vocabulary = Object.create(null) as Record<string, number>;
  const added: Record<string, object> = {};
  for (const [id, token] of tokens.entries()) {
    const type = types[id];
    if (isAdded(type)) added[id] = { content: token, special: type === TokenType.control };
    else if (type !== TokenType.unused) vocabulary[String(token)] = id;
  }
  const padding = tokens[Number(metadata['tokenizer.ggml.padding_token_id'])];
  const config = {
    tokenizer_class: 'Qwen2Tokenizer',
    added_tokens_decoder: added,
    ...(padding !== undefined && { pad_token: padding }),
    ...(typeof metadata['tokenizer.chat_template'] === 'string' && {
      chat_template: metadata['tokenizer.chat_template'],
    }),
  };
  return new Map([
    ['vocab.json', JSON.stringify(vocabulary)],
    ['merges.txt', `${(await listOf(metadata['tokenizer.ggml.merges'])).join('\n')}\n`],
    ['tokenizer_config.json', JSON.stringify(config)],
  ]);
}
