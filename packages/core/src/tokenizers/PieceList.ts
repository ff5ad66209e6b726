import { UnigramModel } from './UnigramModel.js';
import { Vocabulary } from './Vocabulary.js';

/** Collects the pieces of a {@link UnigramModel} in flat arrays: T5's 32,100 take 1 MB. */
export class PieceList {
  #bytes: Uint8Array;
  #ends = new Uint32Array(1024);
  #scores = new Float64Array(1024);
  #count = 0;
  #longest = 0;

  /** @param capacity bytes that all pieces together have at most */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get size(): number {
    return this.#count;
  }

  /** Where the next piece's bytes go. */
  get target(): Uint8Array {
    return this.#bytes;
  }

  /** Where the next piece starts in {@link PieceList.target}. */
  get end(): number {
    return this.#count === 0 ? 0 : (this.#ends[this.#count - 1] as number);
  }

  /** Adds the piece that was written into {@link PieceList.target} up to `end`. */
  add(end: number, score: number): void {
    if (this.#count === this.#ends.length) this.#grow();
    this.#longest = Math.max(this.#longest, end - this.end);
    this.#ends[this.#count] = end;
    this.#scores[this.#count] = score;
    this.#count++;
  }

  /** Adds a piece. */
  addText(text: string, score: number): void {
    const bytes = Buffer.from(text);
    if (this.end + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.end + bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.end);
    this.add(this.end + bytes.length, score);
  }

  toModel(unkTokenId: number): UnigramModel {
    const vocabulary = Vocabulary.ofPieces(this.#bytes.slice(0, this.end), this.#ends.slice(0, this.#count));
    return new UnigramModel(vocabulary, this.#scores.slice(0, this.#count), this.#longest, unkTokenId);
  }

  #grow(): void {
    const [ends, scores] = [new Uint32Array(2 * this.#count), new Float64Array(2 * this.#count)];
    ends.set(this.#ends);
    scores.set(this.#scores);
    this.#ends = ends;
    this.#scores = scores;
  }
}
