import { ThimbleError } from '../errors.js';
import { type AddedToken, readAddedToken } from './AddedToken.js';
import { readModelMaxLength, refuseField } from './readTokenizerFile.js';
import { readUnigram, type Unigram } from './readUnigram.js';
import { readTokenizerConfig } from './readTokenizerConfig.js';
import type { PrecompiledCharsmap } from './PrecompiledCharsmap.js';
import type { UnigramModel } from './UnigramModel.js';

const T5_LENGTH = 512;
const EXTRA_IDS = 100;
const SPECIAL_TOKENS = { eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' };

/** What T5's tokenizer is made of: the contents of a tokenizer's folder. */
export interface T5TokenizerParts {
  readonly model: UnigramModel;
  readonly charsmap: PrecompiledCharsmap | undefined;
  /** Tokens that are recognised in prompts, with their ids; the special ones among them. */
  readonly addedTokens: ReadonlyMap<AddedToken, number>;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  readonly modelMaxLength: number;
}

/**
 * Reads `spiece.model` or `tokenizer.json`, with `tokenizer_config.json` and `special_tokens_map.json` where they exist.
 *
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`, `ERR_TOKENIZER_UNSUPPORTED`
 */
export async function readT5Tokenizer(folder: string): Promise<T5TokenizerParts> {
  const { file: configFile, fields: config } = await readTokenizerConfig(folder);
  const extraIds = config['extra_ids'] ?? EXTRA_IDS;
  if (!Number.isSafeInteger(extraIds) || Number(extraIds) < 0) refuseField(configFile, 'extra_ids');
  const unigram = await readUnigram(folder, Number(extraIds));
  const [eos, unk, pad] = Object.entries(SPECIAL_TOKENS).map(([name, content]) => {
    return readAddedToken(config[name] ?? content, { special: true }) ?? refuseField(configFile, name);
  });
  const extra = Array.from(
    { length: Number(extraIds) },
    (_, i) => readAddedToken(`<extra_id_${i}>`, { special: true }) as AddedToken,
  );
  const addedTokens = addedTokensOf(unigram, [eos!, unk!, pad!], extra);
  return {
    model: unigram.model,
    charsmap: unigram.charsmap,
    addedTokens,
    eosTokenId: idOf(unigram, eos!.content) as number,
    padTokenId: idOf(unigram, pad!.content) as number,
    modelMaxLength: readModelMaxLength(configFile, config, { shortest: 1, fallback: T5_LENGTH }),
  };
}

/** Listed ones are as the files say; the others are special. */
function addedTokensOf(
  unigram: Unigram,
  special: readonly AddedToken[],
  extra: readonly AddedToken[],
): ReadonlyMap<AddedToken, number> {
  const byContent = new Map<string, readonly [AddedToken, number]>();
  for (const token of extra) {
    const id = idOf(unigram, token.content);
    if (id !== undefined) byContent.set(token.content, [token, id]);
  }
  for (const token of special) {
    const id = idOf(unigram, token.content);
    if (id === undefined)
      throw new ThimbleError('ERR_TOKENIZER_FILE', {
        file: unigram.file,
        problem: `it has no token "${token.content}"`,
      });
    byContent.set(token.content, [token, id]);
  }
  for (const [token, id] of unigram.addedTokens)
    byContent.set(token.content, [{ ...token, special: token.special || byContent.has(token.content) }, id]);
  return new Map(byContent.values());
}

function idOf({ model, addedTokens }: Unigram, content: string): number | undefined {
  return addedTokens.find(([token]) => token.content === content)?.[1] ?? model.vocabulary.idOf(Buffer.from(content));
}
