import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { JsonCursor } from './JsonCursor.js';
import { PieceList } from './PieceList.js';
import { PrecompiledCharsmap } from './PrecompiledCharsmap.js';
import { ProtobufReader } from './ProtobufReader.js';
import { type AddedTokenEntry, readAddedTokenList, readAddedTokens } from './readAddedTokens.js';
import { readTokenizerFile } from './readTokenizerFile.js';
import type { UnigramModel } from './UnigramModel.js';

/** The pieces and the normalisation of a folder, and the tokens added to them, with their ids. */
export interface Unigram {
  /** Where the pieces come from, for messages. */
  readonly file: string;
  readonly model: UnigramModel;
  /** Absent where the model was trained on texts as they are. */
  readonly charsmap: PrecompiledCharsmap | undefined;
  readonly addedTokens: readonly AddedTokenEntry[];
}

/** sentencepiece's number for unigram models. */
const UNIGRAM = 1;
/** Normalisers of `tokenizer.json` beside `Precompiled` that change nothing here, where words are split at white space anyway. */
const HARMLESS = ['Strip', 'Replace'];
/** The id of `<unk>` where the file does not say it. */
const DEFAULT_UNK = 2;

/**
 * Reads `tokenizer.json`, or `spiece.model` with what `added_tokens.json` and `tokenizer_config.json` add to it.
 *
 * @param extraIds tokens `<extra_id_0>` … that follow the pieces of `spiece.model`, the last one first
 * @throws `ERR_FILE_NOT_FOUND`, `ERR_FILE_ACCESS`, `ERR_TOKENIZER_FILE`; `ERR_TOKENIZER_UNSUPPORTED` if the model is of another kind
 */
export async function readUnigram(folder: string, extraIds: number): Promise<Unigram> {
  const json = join(folder, 'tokenizer.json');
  const bytes = await readTokenizerFile(json);
  if (bytes) {
    const { addedTokens, ...model } = readTokenizerJson(folder, json, bytes);
    return { ...model, addedTokens: await readAddedTokens(folder, addedTokens) };
  }
  const file = join(folder, 'spiece.model');
  const pieces = await readTokenizerFile(file);
  if (!pieces) throw new ThimbleError('ERR_FILE_NOT_FOUND', { path: file });
  try {
    return { ...readSentencePiece(folder, file, pieces, extraIds), addedTokens: await readAddedTokens(folder) };
  } catch (error) {
    if (error instanceof RangeError)
      throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: error.message }, { cause: error });
    throw error;
  }
}

/** Source: sentencepiece `sentencepiece_model.proto`. */
function readSentencePiece(
  folder: string,
  file: string,
  bytes: Buffer,
  extraIds: number,
): Omit<Unigram, 'addedTokens'> {
  const reader = new ProtobufReader(bytes);
  const pieces = new PieceList(bytes.length);
  let unk = DEFAULT_UNK;
  let charsmap: Buffer | undefined;
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field === 1) readPiece(reader.bytes(), pieces);
    else if (field === 2) unk = readTrainer(folder, reader.bytes());
    else if (field === 3) charsmap = readNormalizer(reader.bytes());
    else reader.skip();
  }
  if (pieces.size === 0) throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: 'it holds no pieces' });
  for (let i = extraIds - 1; i >= 0; i--) pieces.addText(`<extra_id_${i}>`, 0);
  return { file, model: pieces.toModel(unk), charsmap: readCharsmap(file, charsmap) };
}

function readPiece(bytes: Buffer, pieces: PieceList): void {
  const reader = new ProtobufReader(bytes);
  let text = '';
  let score = 0;
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field === 1) text = reader.bytes().toString('utf8');
    else if (field === 2) score = reader.float();
    else reader.skip();
  }
  pieces.addText(text, score);
}

/** The id of the unknown piece. */
function readTrainer(folder: string, bytes: Buffer): number {
  const reader = new ProtobufReader(bytes);
  let kind = UNIGRAM;
  let unk = DEFAULT_UNK;
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field === 3) kind = reader.integer();
    else if (field === 40) unk = reader.integer();
    else reader.skip();
  }
  if (kind !== UNIGRAM)
    throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', {
      folder,
      tokenizer: `sentencepiece model type ${kind}`,
      supported: ['Unigram'],
    });
  return unk;
}

function readNormalizer(bytes: Buffer): Buffer | undefined {
  const reader = new ProtobufReader(bytes);
  let charsmap: Buffer | undefined;
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field === 2) charsmap = reader.bytes();
    else reader.skip();
  }
  return charsmap;
}

function readCharsmap(file: string, bytes: Uint8Array | undefined): PrecompiledCharsmap | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  const charsmap = PrecompiledCharsmap.read(bytes);
  if (charsmap === undefined)
    throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: 'its table of characters is damaged' });
  return charsmap;
}

function readTokenizerJson(folder: string, file: string, bytes: Buffer): Unigram {
  const cursor = new JsonCursor(file, bytes);
  let addedTokens: readonly AddedTokenEntry[] = [];
  let model: UnigramModel | undefined;
  let charsmap: PrecompiledCharsmap | undefined;
  cursor.open('{');
  while (cursor.more('}')) {
    const key = cursor.key();
    if (key === 'model') model = readModel(folder, file, cursor);
    else if (key === 'normalizer') charsmap = readNormalizers(folder, file, cursor.value());
    else if (key === 'added_tokens') addedTokens = readAddedTokenList(file, cursor);
    else cursor.skip();
  }
  if (!model) throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: 'it has no "model"' });
  return { file, addedTokens, model, charsmap };
}

function readModel(folder: string, file: string, cursor: JsonCursor): UnigramModel {
  let pieces: PieceList | undefined;
  let unk = DEFAULT_UNK;
  cursor.open('{');
  while (cursor.more('}')) {
    const key = cursor.key();
    if (key === 'type') checkType(folder, cursor.value());
    else if (key === 'unk_id') unk = Number(cursor.value() ?? DEFAULT_UNK);
    else if (key === 'vocab' && cursor.startsWith('[')) pieces = readVocab(cursor);
    else cursor.skip();
  }
  if (pieces === undefined || pieces.size === 0)
    throw new ThimbleError('ERR_TOKENIZER_FILE', { file, problem: 'its "model" has no "vocab" of pieces with scores' });
  return pieces.toModel(unk);
}

/** A list of `["piece", score]`. */
function readVocab(cursor: JsonCursor): PieceList {
  const pieces = new PieceList(cursor.length);
  cursor.open('[');
  while (cursor.more(']')) {
    cursor.open('[');
    cursor.more(']');
    const end = cursor.stringInto(pieces.target, pieces.end);
    cursor.more(']');
    pieces.add(end, Number(cursor.value()));
    cursor.more(']');
  }
  return pieces;
}

function checkType(folder: string, type: unknown): void {
  if (type === 'Unigram') return;
  throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', { folder, tokenizer: type, supported: ['Unigram'] });
}

function readNormalizers(folder: string, file: string, json: unknown): PrecompiledCharsmap | undefined {
  if (json === null) return undefined;
  const {
    type,
    normalizers,
    precompiled_charsmap: text,
  } = json as { readonly type?: unknown; readonly normalizers?: unknown; readonly precompiled_charsmap?: unknown };
  if (type === 'Sequence' && Array.isArray(normalizers)) {
    return normalizers.map((each) => readNormalizers(folder, file, each)).find((each) => each !== undefined);
  }
  if (type === 'Precompiled' && typeof text === 'string') return readCharsmap(file, Buffer.from(text, 'base64'));
  if (HARMLESS.includes(String(type))) return undefined;
  throw new ThimbleError('ERR_TOKENIZER_UNSUPPORTED', {
    folder,
    tokenizer: `normalizer ${String(type)}`,
    supported: ['Precompiled', ...HARMLESS],
  });
}
