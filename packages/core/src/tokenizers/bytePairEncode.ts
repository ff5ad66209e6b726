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
