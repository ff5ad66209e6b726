import type { Vocabulary } from './Vocabulary.js';

/** What an unknown character costs beyond the least likely piece. */
const UNKNOWN_PENALTY = 10;

/** The best way to cut the text up to some byte. */
interface Path {
  readonly score: number;
  /** Where the last piece starts. */
  readonly start: number;
  readonly id: number;
}

/**
 * A unigram language model over pieces of text: a text is cut so that the sum of its pieces' scores is highest.
 *
 * Source: T. Kudo, "Subword Regularization", 2018, section 3.2.
 */
export class UnigramModel {
  readonly vocabulary: Vocabulary;
  readonly unkTokenId: number;
  readonly #scores: Float64Array;
  readonly #longest: number;
  readonly #unknownScore: number;

  /** @param scores logarithm of each piece's probability, by id; `longest` is the longest piece in bytes */
  constructor(vocabulary: Vocabulary, scores: Float64Array, longest: number, unkTokenId: number) {
    this.vocabulary = vocabulary;
    this.unkTokenId = unkTokenId;
    this.#scores = scores;
    this.#longest = longest;
    this.#unknownScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
  }

  /** The ids of a text's pieces; unknown characters in a row are one. */
  encode(text: string): number[] {
    const bytes = Buffer.from(text);
    const paths = this.#bestPaths(bytes);
    const ids: number[] = [];
    for (let end = bytes.length; end > 0;) {
      const { start, id } = paths[end] as Path;
      if (id !== this.unkTokenId || ids.at(-1) !== id) ids.push(id);
      end = start;
    }
    return ids.reverse();
  }

  #bestPaths(bytes: Buffer): readonly (Path | undefined)[] {
    const paths: (Path | undefined)[] = [{ score: 0, start: 0, id: this.unkTokenId }];
    for (let start = 0; start < bytes.length; start += characterLength(bytes[start] as number)) {
      const { score } = paths[start] as Path;
      const offer = (end: number, id: number, total: number): void => {
        const known = paths[end];
        if (known === undefined || total > known.score) paths[end] = { score: total, start, id };
      };
      const next = start + characterLength(bytes[start] as number);
      let isKnown = false;
      for (let end = start + 1; end <= Math.min(bytes.length, start + this.#longest); end++) {
        const id = this.vocabulary.idOf(bytes, start, end);
        if (id === undefined) continue;
        isKnown ||= end === next;
        offer(end, id, score + (this.#scores[id] as number));
      }
      if (!isKnown) offer(next, this.unkTokenId, score + this.#unknownScore);
    }
    return paths;
  }
}

/** Of the UTF-8 character that starts with this byte. */
function characterLength(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
