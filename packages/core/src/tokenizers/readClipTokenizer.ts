import { ThimbleError } from '../errors.js';
import { type AddedToken, readAddedToken } from './AddedToken.js';
import type { MergeTable } from './MergeTable.js';
import { readBytePairEncoding } from './readBytePairEncoding.js';
import { readModelMaxLength, refuseField } from './readTokenizerFile.js';
import { readTokenizerConfig } from './readTokenizerConfig.js';
import type { Vocabulary } from './Vocabulary.js';

const CLIP_LENGTH = 77;
const SHORTEST = 2;
const END = '<|endoftext|>';
const SPECIAL_TOKENS = { bos_token: '<|startoftext|>', eos_token: END, unk_token: END, pad_token: END };

/** What CLIP's tokenizer is made of: the contents of a tokenizer's folder. */
export interface CLIPTokenizerParts {
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
  /** Tokens that are recognised in prompts, with their ids; the special ones among them. */
  readonly addedTokens: ReadonlyMap<AddedToken, number>;
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  readonly unkTokenId: number;
  readonly modelMaxLength: number;
}

/**
 * Reads `tokenizer.json`, or `vocab.json` and `merges.txt`; with `tokenizer_config.json`, `special_tokens_map.json` (which wins) and `added_tokens.json` where they
 * exist.
 *
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`, `ERR_TOKENIZER_UNSUPPORTED`
 */
export async function readClipTokenizer(folder: string): Promise<CLIPTokenizerParts> {
  const { file: configFile, fields } = await readTokenizerConfig(folder);
  const { file, vocabulary, merges, addedTokens } = await readBytePairEncoding(folder);
  const addedIds = new Map(addedTokens.map(([{ content }, id]) => [content, id]));
  const idOf = (content: string): number => {
    const id = addedIds.get(content) ?? vocabulary.idOf(Buffer.from(content));
    if (id !== undefined) return id;
    throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: `it has no token "${content}"` });
  };

  const [bos, eos, unk, pad] = Object.entries(SPECIAL_TOKENS).map(([name, content]) => {
    return readAddedToken(fields[name] ?? content, { special: true }) ?? refuseField(configFile, name);
  });
  const special = [bos!, eos!, unk!, pad!];
  const isSpecial = new Set(special.map(({ content }) => content));
  const listed = addedTokens.map(([token]) => ({ ...token, special: token.special || isSpecial.has(token.content) }));
  const byContent = new Map([...special, ...listed].map((token) => [token.content, token]));

  return {
    vocabulary,
    merges,
    addedTokens: new Map(Array.from(byContent.values(), (token) => [token, idOf(token.content)])),
    bosTokenId: idOf(bos!.content),
    eosTokenId: idOf(eos!.content),
    unkTokenId: idOf(unk!.content),
    padTokenId: idOf(pad!.content),
    modelMaxLength: readModelMaxLength(configFile, fields, { shortest: SHORTEST, fallback: CLIP_LENGTH }),
  };
}
