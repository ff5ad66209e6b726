import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { readAddedToken } from './AddedToken.js';
import { CLIPTokenizer } from './CLIPTokenizer.js';
import { createT5Tokenizer } from './createT5Tokenizer.js';
import { readModelMaxLength, readTokenizerObject, refuseField } from './readTokenizerFile.js';
import { readBytePairEncoding, type BytePairEncoding } from './readBytePairEncoding.js';
import type { Tokenizer } from './Tokenizer.js';

const CLIP = ['CLIPTokenizer', 'CLIPTokenizerFast'];
const T5 = ['T5Tokenizer', 'T5TokenizerFast'];
const CLIP_LENGTH = 77;
const SHORTEST = 2;
const END = '<|endoftext|>';
const SPECIAL_TOKENS = { bos_token: '<|startoftext|>', eos_token: END, unk_token: END, pad_token: END };

/**
 * Reads the tokenizer of a checkpoint: CLIP's `vocab.json` and `merges.txt`, T5's `spiece.model`, or `tokenizer.json`; with
 * `tokenizer_config.json`, `special_tokens_map.json` (which wins) and `added_tokens.json` where they exist.
 *
 * @param folder a checkpoint's `tokenizer` folder
 * @param className its class, where `tokenizer_config.json` does not name one
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`; `ERR_TOKENIZER_FILE` if a file is damaged; `ERR_TOKENIZER_UNSUPPORTED` if the
 * tokenizer is of another kind than CLIP's or T5's
 */
export async function createTokenizer(folder: string, className: string = 'CLIPTokenizer'): Promise<Tokenizer> {
  const file = join(folder, 'tokenizer_config.json');
  const config = {
    ...(await readTokenizerObject(file)),
    ...(await readTokenizerObject(join(folder, 'special_tokens_map.json'))),
  };
  const { tokenizer_class: tokenizer = className } = config;
  if (T5.includes(tokenizer as string)) return createT5Tokenizer(folder, file, config);
  if (!CLIP.includes(tokenizer as string))
    throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', { folder, tokenizer, supported: [...CLIP, ...T5] });
  return makeClipTokenizer(file, config, await readBytePairEncoding(folder));
}

function makeClipTokenizer(
  configFile: string,
  config: Readonly<Record<string, unknown>>,
  encoding: BytePairEncoding,
): CLIPTokenizer {
  const { file, vocabulary, merges, addedTokens } = encoding;
  const addedIds = new Map(addedTokens.map(([{ content }, id]) => [content, id]));
  const idOf = (content: string): number => {
    const id = addedIds.get(content) ?? vocabulary.idOf(Buffer.from(content));
    if (id !== undefined) return id;
    throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: `it has no token "${content}"` });
  };

  const [bos, eos, unk, pad] = Object.entries(SPECIAL_TOKENS).map(([name, content]) => {
    return readAddedToken(config[name] ?? content, { special: true }) ?? refuseField(configFile, name);
  });
  const special = [bos!, eos!, unk!, pad!];
  const isSpecial = new Set(special.map(({ content }) => content));
  const listed = addedTokens.map(([token]) => ({ ...token, special: token.special || isSpecial.has(token.content) }));
  const byContent = new Map([...special, ...listed].map((token) => [token.content, token]));

  return new CLIPTokenizer({
    vocabulary,
    merges,
    addedTokens: new Map(Array.from(byContent.values(), (token) => [token, idOf(token.content)])),
    bosTokenId: idOf(bos!.content),
    eosTokenId: idOf(eos!.content),
    unkTokenId: idOf(unk!.content),
    padTokenId: idOf(pad!.content),
    modelMaxLength: readModelMaxLength(configFile, config, { shortest: SHORTEST, fallback: CLIP_LENGTH }),
  });
}
