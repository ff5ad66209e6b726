/** The pixels that windows see along one side, each of which may be there `repeats` times. */
export class WindowAxis {
  /** The first pixel that is read, and the one behind the last: beyond the borders there are zeros. */
  readonly first: number;
  readonly end: number;
  readonly #start: number;
  readonly #repeats: number;

  /** `start` and `seen`: where the windows begin, and how much they see, after pixels are repeated. */
  constructor(start: number, seen: number, repeats: number) {
    this.#start = start;
    this.#repeats = repeats;
    this.first = Math.floor(start / repeats);
    this.end = Math.floor((start + seen - 1) / repeats) + 1;
  }

  /** How many pixels are read. */
  get count(): number {
    return this.end - this.first;
  }

  /** Two axes of one name see their pixels alike. */
  get name(): string {
    return `${this.count}.${this.#start - this.first * this.#repeats}.${this.#repeats}`;
  }

  /** Where a pixel of the windows lies among those that are read. */
  indexOf(position: number): number {
    return Math.floor((this.#start + position) / this.#repeats) - this.first;
  }
}
