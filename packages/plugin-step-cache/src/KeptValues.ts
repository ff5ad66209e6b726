/** A value of one step, by its streams: float32, one list for each. */
interface Kept {
  readonly step: number;
  readonly streams: readonly Float32Array[];
}

/** What the last steps that were computed whole left of one value, and what it is likely to be at a step between them. */
export class KeptValues {
  readonly #order: number;
  /** The latest first. */
  #kept: readonly Kept[] = [];

  /** `order`: 0 takes the last value as it is; 1 goes on along the line through the last two (source: J. Liu et al., "From Reusing to Forecasting", 2025, arXiv 2503.06923). */
  constructor(order: number) {
    this.#order = order;
  }

  /** The last step that was computed whole; `undefined` before there is one. */
  get lastStep(): number | undefined {
    return this.#kept[0]?.step;
  }

  keep(step: number, streams: readonly Float32Array[]): void {
    this.#kept = [{ step, streams }, ...this.#kept].slice(0, this.#order + 1);
  }

  /** The value at `step`. Not to be written to. @throws RangeError before there is one */
  at(step: number): readonly Float32Array[] {
    const [last, before] = this.#kept;
    if (last === undefined) throw new RangeError('nothing is kept yet');
    if (before === undefined) return last.streams;
    const ahead = (step - last.step) / (last.step - before.step);
    return last.streams.map((stream, i) => {
      const earlier = before.streams[i] as Float32Array;
      return stream.map((value, at) => value + ahead * (value - (earlier[at] as number)));
    });
  }
}
