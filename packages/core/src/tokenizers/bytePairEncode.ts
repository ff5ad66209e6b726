import type { MergeTable } from './MergeTable.js';

/**
 * Byte-pair encoding of one word: merges the pair that comes first in `merges`, again and again, until no pair is left.
 *
 * @param symbols the ids of the word's characters
 * @returns the ids of its tokens
 *
 * Source: R. Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016.
 */
export function bytePairEncode(symbols: readonly number[], merges: MergeTable): readonly number[] {
  let word = symbols;
  for (let rank = firstRank(word, merges); rank !== undefined; rank = firstRank(word, merges)) {
    word = mergeAll(word, rank, merges);
  }
  return word;
}

function firstRank(word: readonly number[], merges: MergeTable): number | undefined {
  let first: number | undefined;
  for (let i = 1; i < word.length; i++) {
    const rank = merges.rankOf(word[i - 1]!, word[i]!);
    if (rank !== undefined && (first === undefined || rank < first)) first = rank;
  }
  return first;
}

function mergeAll(word: readonly number[], rank: number, merges: MergeTable): number[] {
  const merged: number[] = [];
  for (let i = 0; i < word.length; i++) {
    const isPair = i + 1 < word.length && merges.rankOf(word[i]!, word[i + 1]!) === rank;
    merged.push(isPair ? merges.mergedOf(rank) : word[i]!);
    if (isPair) i++;
  }
  return merged;
}

const FIRST_STAND_IN = 0x100;

/**
 * The character that stands for each of the 256 bytes in a byte-level vocabulary: itself where it is printable Latin-1, else
 * one of those from U+0100 on.
 *
 * Source: GPT-2's `bytes_to_unicode`.
 */
export const byteCharacters: readonly string[] = makeByteCharacters();

function makeByteCharacters(): string[] {
  let standIn = FIRST_STAND_IN;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : standIn++));
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  byteCharacters.map((character, byte) => [character, byte]),
);

/** The bytes that a token of a byte-level vocabulary stands for; its own UTF-8 if it is not written in byte characters. */
export function bytesOfToken(token: string): Buffer {
  const bytes = Array.from(token, (character) => byteOfCharacter.get(character));
  return bytes.every((byte) => byte !== undefined) ? Buffer.from(bytes) : Buffer.from(token);
}
