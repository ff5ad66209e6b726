/** Measures steps, to tell how long one takes and how long the rest will. */
export class StepClock {
  readonly #durations: number[] = [];
  #last = 0;

  /** A step is done; `now` as by `performance.now()`. */
  step(milliseconds: number, now: number = performance.now()): void {
    this.#durations.push(milliseconds);
    this.#last = now;
  }

  /** Milliseconds that a step takes, by the mean; the first, which also loads the model, only counts while it is the only one. */
  get perStep(): number | undefined {
    const settled = this.#durations.length > 1 ? this.#durations.slice(1) : this.#durations;
    return settled.length === 0 ? undefined : settled.reduce((sum, each) => sum + each, 0) / settled.length;
  }

  /** Milliseconds until `remaining` more steps are done. */
  left(remaining: number, now: number = performance.now()): number | undefined {
    const { perStep } = this;
    return perStep === undefined ? undefined : Math.max(0, perStep * remaining - (now - this.#last));
  }
}
