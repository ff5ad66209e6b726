import { ThimbleError } from '../errors.js';
import { type AddedToken, readAddedToken } from './AddedToken.js';
import { readModelMaxLength, refuseField } from './readTokenizerFile.js';
import { readUnigram, type Unigram } from './readUnigram.js';
import { T5Tokenizer } from './T5Tokenizer.js';

const T5_LENGTH = 512;
const EXTRA_IDS = 100;
const SPECIAL_TOKENS = { eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' };

/**
 * Makes a T5 tokenizer of a folder with `spiece.model` or `tokenizer.json`.
 *
 * @param configFile where `config` comes from, for messages
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`, `ERR_TOKENIZER_UNSUPPORTED`
 */
export async function createT5Tokenizer(
  folder: string,
  configFile: string,
  config: Readonly<Record<string, unknown>>,
): Promise<T5Tokenizer> {
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
  return new T5Tokenizer({
    model: unigram.model,
    charsmap: unigram.charsmap,
    addedTokens,
    eosTokenId: idOf(unigram, eos!.content) as number,
    padTokenId: idOf(unigram, pad!.content) as number,
    modelMaxLength: readModelMaxLength(configFile, config, { shortest: 1, fallback: T5_LENGTH }),
  });
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
