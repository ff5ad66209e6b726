import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { type AddedToken, readAddedToken } from './AddedToken.js';
import { byteCharacters } from './bytePairEncode.js';
import { ChatTemplate } from './ChatTemplate.js';
import type { MergeTable } from './MergeTable.js';
import { readBytePairEncoding } from './readBytePairEncoding.js';
import { readTokenizerConfig, type TokenizerConfig } from './readTokenizerConfig.js';
import { readModelMaxLength, readTokenizerFile, refuseField } from './readTokenizerFile.js';
import type { Vocabulary } from './Vocabulary.js';

const QWEN_LENGTH = 131_072;
const PADDING = '<|endoftext|>';

/** What Qwen's tokenizer is made of: the contents of a tokenizer's folder. */
export interface Qwen2TokenizerParts {
  /** `tokenizer_config.json`, for messages. */
  readonly configFile: string;
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
  /** Tokens that are recognised in prompts, with their ids. */
  readonly addedTokens: ReadonlyMap<AddedToken, number>;
  readonly padTokenId: number;
  readonly paddingSide: 'left' | 'right';
  readonly modelMaxLength: number;
  readonly chatTemplate: ChatTemplate | undefined;
}

/**
 * Reads `tokenizer.json`, or `vocab.json` and `merges.txt`; with `tokenizer_config.json` and the files beside it that add to it. The chat template is that of
 * `chat_template.jinja`, or else the config's.
 *
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`, `ERR_TOKENIZER_UNSUPPORTED`
 */
export async function readQwen2Tokenizer(folder: string): Promise<Qwen2TokenizerParts> {
  const config = await readTokenizerConfig(folder);
  const { file, vocabulary, merges, addedTokens } = await readBytePairEncoding(folder);
  const missing = byteCharacters.find((character) => vocabulary.idOf(Buffer.from(character)) === undefined);
  if (missing !== undefined)
    throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: `it has no token "${missing}", which is a byte` });
  const byContent = new Map(addedTokens.map(([token, id]) => [token.content, [token, id] as const]));
  const padding = readAddedToken(config.fields['pad_token'] ?? PADDING) ?? refuseField(config.file, 'pad_token');
  const padTokenId = byContent.get(padding.content)?.[1] ?? vocabulary.idOf(Buffer.from(padding.content));
  if (padTokenId === undefined)
    throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: `it has no token "${padding.content}"` });
  return {
    configFile: config.file,
    vocabulary,
    merges,
    padTokenId,
    addedTokens: new Map(byContent.values()),
    paddingSide: paddingSideOf(config),
    modelMaxLength: readModelMaxLength(config.file, config.fields, { shortest: 1, fallback: QWEN_LENGTH }),
    chatTemplate: await readChatTemplate(folder, config),
  };
}

function paddingSideOf({ file, fields }: TokenizerConfig): 'left' | 'right' {
  const { padding_side: side = 'right' } = fields;
  return side === 'left' || side === 'right' ? side : refuseField(file, 'padding_side');
}

async function readChatTemplate(
  folder: string,
  { file: configFile, fields }: TokenizerConfig,
): Promise<ChatTemplate | undefined> {
  const file = join(folder, 'chat_template.jinja');
  const alone = await readTokenizerFile(file);
  if (alone !== undefined) return ChatTemplate.compile(file, alone.toString('utf8'));
  const { chat_template: own } = fields;
  if (own === undefined || own === null) return undefined;
  return typeof own === 'string' ? ChatTemplate.compile(configFile, own) : refuseField(configFile, 'chat_template');
}
