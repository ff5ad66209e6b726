import type { Tokenizer } from '@thimble/core';
import type { PromptPiece } from './parsePromptWeights.js';

/** A token of a prompt, and how much it weighs. */
export interface WeightedToken {
  readonly id: bigint;
  readonly weight: number;
}

/** After so many tokens behind a comma a chunk that is full ends where it is; before, the text behind the comma moves to the next one. AUTOMATIC1111's default. */
const COMMA_TOKENS = 20;

/**
 * Cuts a prompt into chunks as AUTOMATIC1111 does: a chunk takes `capacity` tokens (75: CLIP's 77 without start and end); a line ends a chunk; and where a chunk is full within 20
 * tokens behind a comma, what stands behind the comma goes to the next one, so that it stays together.
 *
 * @param lines as {@link parsePromptWeights} gives them
 * @returns at least one chunk, each of at most `capacity` tokens, without start, end and padding
 */
export function chunkTokens(
  lines: readonly (readonly PromptPiece[])[],
  tokenizer: Tokenizer,
  capacity: number,
): readonly (readonly WeightedToken[])[] {
  const [comma] = tokensOf(tokenizer, ',');
  const chunks = lines.flatMap((line, i) => {
    const tokens = line.flatMap(({ text, weight }) => tokensOf(tokenizer, text).map((id) => ({ id, weight })));
    // An empty line between two others is an empty chunk; after the last BREAK there is none.
    return tokens.length === 0 ? (i === lines.length - 1 ? [] : [[]]) : cutAtCommas(tokens, comma, capacity);
  });
  return chunks.length === 0 ? [[]] : chunks;
}

/** The ids of a text of any length, without start and end. */
export function tokensOf(tokenizer: Tokenizer, text: string): readonly bigint[] {
  if (text === '') return [];
  let maxLength = Buffer.byteLength(text) + 2;
  while (tokenizer.truncated(text, { maxLength }) !== undefined) maxLength *= 2;
  const { input_ids, attention_mask } = tokenizer.encode(text, { maxLength });
  const used = (attention_mask.data as BigInt64Array).lastIndexOf(1n);
  return [...(input_ids.data as BigInt64Array).subarray(1, used)];
}

function cutAtCommas(
  tokens: readonly WeightedToken[],
  comma: bigint | undefined,
  capacity: number,
): readonly (readonly WeightedToken[])[] {
  const chunks: WeightedToken[][] = [[]];
  let behindComma = 0;
  for (const token of tokens) {
    let chunk = chunks.at(-1) as WeightedToken[];
    if (chunk.length === capacity) {
      const together = token.id !== comma && behindComma > 0 && capacity - behindComma < COMMA_TOKENS;
      chunk = moveRest(chunks, together ? behindComma : capacity);
      behindComma = 0;
    }
    chunk.push(token);
    if (token.id === comma) behindComma = chunk.length;
  }
  return chunks;
}

/** Begins a chunk with what stands in the last one from `start` on. */
function moveRest(chunks: WeightedToken[][], start: number): WeightedToken[] {
  const rest = (chunks.at(-1) as WeightedToken[]).splice(start);
  chunks.push(rest);
  return rest;
}
